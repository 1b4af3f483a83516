import { sha256, toBase64, toHex } from "../tlog/encoding.ts";
import {
  type KeyType,
  parseSignerKey,
  parseVerifierKey,
  sign,
  type SignerKey,
  type VerifierKey,
} from "../tlog/keys.ts";

/** The environment variables that hold keys, by purpose. */
export const KEY_VARIABLES = {
  /** Signer keys of this log, separated by white space; each checkpoint has all signatures. */
  signers: "LEDGER_SIGNING_KEYS",
  /** Verifier keys of past signer keys. */
  retired: "LEDGER_RETIRED_KEYS",
  /** Witnesses of this log: verifier key and URL in turn, separated by white space. */
  witnesses: "LEDGER_WITNESSES",
  /** The signer key that cosigns other logs. */
  witness: "WITNESS_SIGNING_KEY",
  /** Verifier keys of the logs to cosign. */
  witnessed: "WITNESSED_LOGS",
} as const;

/** A witness that cosigns the checkpoints of this log. */
export type Witness = {
  key: VerifierKey;
  /** The prefix of `add-checkpoint`, without a slash at the end. */
  url: string;
};

/** The keys of the function `ledger`. */
export type LedgerKeys = {
  /** All of one name, the origin of the log; without any, checkpoints are not signed. */
  signers: SignerKey[];
  retired: VerifierKey[];
  witnesses: Witness[];
  witness: SignerKey | null;
  witnessed: VerifierKey[];
};

/**
 * Reads the keys when the function starts. They never reach the database.
 *
 * @throws {TypeError} with the name of the variable, never its value.
 */
export async function readLedgerKeys(
  readVariable: (name: string) => string | undefined,
): Promise<LedgerKeys> {
  const read = (name: string) =>
    (readVariable(name) ?? "").split(/\s+/).filter((key) => key !== "");
  const signers = await Promise.all(
    read(KEY_VARIABLES.signers).map((text) =>
      readSigner(text, KEY_VARIABLES.signers, "note")
    ),
  );
  if (new Set(signers.map(({ verifier }) => verifier.name)).size > 1) {
    throw new TypeError(
      `${KEY_VARIABLES.signers} has keys of several names, but a log has one origin; use keys of one name`,
    );
  }
  const [witness, ...others] = read(KEY_VARIABLES.witness);
  if (others.length > 0) {
    throw new TypeError(
      `${KEY_VARIABLES.witness} has more than one key; keep one`,
    );
  }
  const retired = readVerifiers(
    read(KEY_VARIABLES.retired),
    KEY_VARIABLES.retired,
    "note",
  );
  const origin = signers[0]?.verifier.name;
  if (origin !== undefined && retired.some(({ name }) => name !== origin)) {
    throw new TypeError(
      `${KEY_VARIABLES.retired} has a key of another name than ${KEY_VARIABLES.signers}, but a log keeps its origin; use keys of that name`,
    );
  }
  return {
    signers,
    retired,
    witnesses: readWitnesses(read(KEY_VARIABLES.witnesses)),
    witness: witness === undefined
      ? null
      : await readSigner(witness, KEY_VARIABLES.witness, "cosignature"),
    witnessed: readVerifiers(
      read(KEY_VARIABLES.witnessed),
      KEY_VARIABLES.witnessed,
      "note",
    ),
  };
}

/**
 * The secret with which the holder of a signing key stores checkpoints: a signature
 * (RFC 8032, deterministic) of a text that is not a note, because it does not end with a
 * newline. Only its hash is stored, and the key cannot be computed from it.
 */
export async function deriveStoreSecret(
  { verifier, privateKey }: SignerKey,
): Promise<string> {
  const text = `ledger-functions/store-checkpoint/v1 ${verifier.name}`;
  return toBase64(await sign(new TextEncoder().encode(text), privateKey));
}

/** What a permitted key stores. */
export type SignerPurpose = "checkpoint" | "cosignature";

/** The statement with which the owner of the database permits a key, by its store secret. */
export function permitSigner(purpose: SignerPurpose, secret: string): string {
  const hash = toHex(sha256(new TextEncoder().encode(secret)));
  return `insert into ledger.signers (purpose, hash) values ('${purpose}', decode('${hash}', 'hex')) on conflict do nothing;`;
}

async function readSigner(
  text: string,
  variable: string,
  type: KeyType,
): Promise<SignerKey> {
  const parsed = await parseSignerKey(text);
  if ("fault" in parsed) {
    throw new TypeError(`${variable} has a key that ${parsed.fault}`);
  }
  requireType(parsed.key.verifier, variable, type);
  return parsed.key;
}

function readWitnesses(texts: string[]): Witness[] {
  const witnesses: Witness[] = [];
  for (let at = 0; at < texts.length; at += 2) {
    const [key] = readVerifiers(
      [texts[at]],
      KEY_VARIABLES.witnesses,
      "cosignature",
    );
    const url = URL.parse(texts[at + 1] ?? "");
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw new TypeError(
        `${KEY_VARIABLES.witnesses} has a key without a URL; put its URL after the key`,
      );
    }
    witnesses.push({ key, url: url.href.replace(/\/+$/, "") });
  }
  return witnesses;
}

function readVerifiers(
  texts: string[],
  variable: string,
  type: KeyType,
): VerifierKey[] {
  return texts.map((text) => {
    const parsed = parseVerifierKey(text);
    if ("fault" in parsed) {
      throw new TypeError(`${variable} has a key that ${parsed.fault}`);
    }
    requireType(parsed.key, variable, type);
    return parsed.key;
  });
}

function requireType(key: VerifierKey, variable: string, type: KeyType): void {
  if (key.type === type) return;
  throw new TypeError(
    type === "note"
      ? `${variable} has a key of a witness; use the key of a log`
      : `${variable} has a key of a log; use the key of a witness`,
  );
}
