import {
  LABELLED_SECRET_RULES,
  PROVIDER_KEY_RULES,
  type SecretKind,
  type SecretRule,
  STRUCTURED_SECRET_RULES,
} from "./secret-rules.ts";

export type { SecretKind } from "./secret-rules.ts";

/** What is sure comes first, so that `api_key: sk-ant-…` is named for its issuer. */
const RULES: readonly SecretRule[] = [
  ...STRUCTURED_SECRET_RULES,
  ...PROVIDER_KEY_RULES,
  ...LABELLED_SECRET_RULES,
];

/**
 * All rules' patterns in one for each way to read case. Most texts hold no secret,
 * and one search tells that several times faster than one for each rule.
 */
const ANY_SECRET: readonly RegExp[] = [false, true].map((ignoreCase) =>
  new RegExp(
    RULES.filter(({ pattern }) => pattern.ignoreCase === ignoreCase)
      .map(({ pattern }) => `(?:${pattern.source})`).join("|"),
    ignoreCase ? "i" : "",
  )
);

/**
 * A replacement can bring what was too long for a rule within its reach, so the
 * rules are applied until nothing changes. Two rounds do for all but contrived
 * texts; the limit keeps the time linear.
 */
const MAX_ROUNDS = 4;

/**
 * `text` with each secret-shaped part replaced by `[redacted:<kind>]`: provider
 * keys, JWTs, PEM private keys, the password of a connection string,
 * credentials after `Authorization:` or `Bearer`, values after `password=`,
 * `api_key:` and the like. All other text is kept, so that the message can still
 * be understood.
 *
 * Redacting twice changes nothing more. Time is linear in the length of `text`.
 * This protects against accidents: a secret that is encoded, split or has no
 * recognisable shape is not found.
 */
export function redactSecrets(text: string): string {
  if (!mayHoldSecret(text)) return text;
  let redacted = text;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = redacted;
    redacted = RULES.reduce((rest, rule) => rule.redact(rest), before);
    if (redacted === before) break;
  }
  return redacted;
}

/**
 * The kind of the first secret that `redactSecrets` would replace, or null when
 * it would replace nothing. A placeholder is not a secret.
 */
export function findSecret(text: string): SecretKind | null {
  if (!mayHoldSecret(text)) return null;
  return RULES.find((rule) => rule.redact(text) !== text)?.kind ?? null;
}

function mayHoldSecret(text: string): boolean {
  return ANY_SECRET.some((pattern) => pattern.test(text));
}
