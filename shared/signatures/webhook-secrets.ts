import { decodeBase64 } from "@std/encoding/base64.js";

/** Bytes of a secret (Standard Webhooks, "Signature scheme"). */
export const MIN_SECRET_BYTES = 24;
export const MAX_SECRET_BYTES = 64;

/** Secrets at a time: each costs a pass over every body. */
export const MAX_SECRETS = 8;

/** Secrets as bytes, or one sentence that says what is wrong with the text. */
export type ParsedSecrets =
  | { secrets: Uint8Array<ArrayBuffer>[]; error?: undefined }
  | { secrets?: undefined; error: string };

const PREFIX = "whsec_";
const BASE64 =
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Reads the secrets of Standard Webhooks from the text of a setting: `whsec_…`
 * or, as Supabase Auth writes it, `v1,whsec_…`; several for a rotation, separated
 * by white space, commas or `|`. All of them verify, and the first one signs.
 *
 * An error names the secret by its position and never repeats it.
 */
export function parseSecrets(text: string): ParsedSecrets {
  // The comma of "v1,whsec_…" separates nothing.
  const parts = text.replaceAll(`v1,${PREFIX}`, PREFIX).split(/[\s,|]+/)
    .filter((part) => part !== "");
  if (parts.length === 0) {
    return { error: `The value holds no secret: wanted ${PREFIX}<base64>` };
  }
  if (parts.length > MAX_SECRETS) {
    return { error: `There are more than ${MAX_SECRETS} secrets` };
  }
  const secrets: Uint8Array<ArrayBuffer>[] = [];
  for (const [index, part] of parts.entries()) {
    const fault = findFault(part);
    if (fault !== null) {
      return { error: `Secret ${index + 1} of ${parts.length} ${fault}` };
    }
    secrets.push(decode(part));
  }
  return { secrets };
}

function findFault(part: string): string | null {
  if (/^v1a$|^whpk_|^whsk_/.test(part)) {
    return "belongs to an asymmetric signature (v1a), which is not supported: wanted whsec_<base64>";
  }
  if (!part.startsWith(PREFIX)) {
    return `does not start with ${PREFIX} or v1,${PREFIX}`;
  }
  if (!BASE64.test(part.slice(PREFIX.length))) {
    return `is not base64 with padding after ${PREFIX}`;
  }
  const { length } = decode(part);
  return length < MIN_SECRET_BYTES || length > MAX_SECRET_BYTES
    ? `has ${length} bytes: wanted ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES}`
    : null;
}

function decode(part: string): Uint8Array<ArrayBuffer> {
  return decodeBase64(part.slice(PREFIX.length));
}
