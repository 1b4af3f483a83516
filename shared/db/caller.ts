/** Who sent a request, after the credential was verified. */
export type Caller =
  /** The holder of a secret API key; `keyName` is the producer's identity. */
  | { kind: "service"; keyName: string }
  /** A signed-in user; `id` is the token's subject. */
  | { kind: "user"; id: string; token: string };
