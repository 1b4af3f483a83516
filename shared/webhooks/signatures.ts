import { timingSafeEqual } from "@std/crypto/timing_safe_equal.js";
import { decodeBase64, encodeBase64 } from "@std/encoding/base64.js";
import {
  MAX_SIGNATURE_HEADER,
  MAX_WEBHOOK_ID,
  MAX_WEBHOOK_SECRET_BYTES,
  MAX_WEBHOOK_SECRETS,
  MIN_WEBHOOK_SECRET_BYTES,
  WEBHOOK_TOLERANCE_SECONDS,
} from "../limits.ts";

/** Why a delivery is not authentic. */
export type SignatureFault =
  | "no_secrets"
  | "missing_headers"
  | "malformed_headers"
  | "too_old"
  | "too_new"
  | "wrong_signature";

/** Whether a delivery is authentic. */
type Verification =
  | { ok: true; reason?: undefined }
  | { ok: false; reason: SignatureFault };

/** A signed message; `body` is the exact bytes on the wire. */
export type SignedMessage = {
  headers: Headers;
  body: Uint8Array<ArrayBuffer>;
};

const SIGNATURE = /^[A-Za-z0-9+/]{43}=$/;
const VERSION = /^v\d+[a-z]?$/;

/**
 * Verifies a message by Standard Webhooks (spec/standard-webhooks.md): an
 * HMAC-SHA256 over `id.timestamp.body` that any of `secrets` made, and a
 * timestamp at most `WEBHOOK_TOLERANCE_SECONDS` away from `now`. Without secrets every
 * message is refused.
 *
 * The signature header may hold several signatures for a rotation, separated by
 * spaces or, as Supabase Auth does it, by commas. Other versions (v1a) are ignored.
 * A message can be replayed within the tolerance, so the recorded id must be derived
 * from the message. The comparison is constant-time.
 */
export async function verifySignature(
  { headers, body }: SignedMessage,
  secrets: readonly Uint8Array<ArrayBuffer>[],
  now: Date,
): Promise<Verification> {
  if (secrets.length === 0) return refuse("no_secrets");
  const signed = readSignatureHeaders(headers, now);
  if ("reason" in signed) return refuse(signed.reason);
  const { id, timestamp, candidates } = signed;
  const content = toContent(id, timestamp, body);
  let isAuthentic = false;
  for (const secret of secrets) {
    const expected = await computeMac(secret, content);
    for (const candidate of candidates) {
      isAuthentic = timingSafeEqual(expected, candidate) || isAuthentic;
    }
  }
  return isAuthentic ? { ok: true } : refuse("wrong_signature");
}

/** What the headers of a signed message hold. */
type SignatureHeaders = {
  id: string;
  timestamp: string;
  /** The v1 signatures; at least one. */
  candidates: Uint8Array[];
};

/**
 * Reads the headers of a signed message, or the reason to refuse it. It does not need
 * the body, which a receiver therefore reads only for well-formed, recent headers.
 */
export function readSignatureHeaders(
  headers: Headers,
  now: Date,
): SignatureHeaders | { reason: SignatureFault } {
  const id = headers.get("webhook-id");
  const timestamp = headers.get("webhook-timestamp");
  const signatures = headers.get("webhook-signature");
  if (!id || !timestamp || !signatures) return { reason: "missing_headers" };
  if (
    id.length > MAX_WEBHOOK_ID || !/^\d{1,12}$/.test(timestamp) ||
    signatures.length > MAX_SIGNATURE_HEADER
  ) return { reason: "malformed_headers" };
  const age = Math.floor(now.getTime() / 1_000) - Number(timestamp);
  if (age > WEBHOOK_TOLERANCE_SECONDS) return { reason: "too_old" };
  if (age < -WEBHOOK_TOLERANCE_SECONDS) return { reason: "too_new" };
  const candidates = readSignatures(signatures);
  return candidates.length === 0
    ? { reason: "wrong_signature" }
    : { id, timestamp, candidates };
}

/**
 * The headers of a message signed with `secret`. `id` is the same for every delivery
 * attempt.
 */
export async function signMessage(
  message: { id: string; time: Date; body: Uint8Array<ArrayBuffer> },
  secret: Uint8Array<ArrayBuffer>,
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(message.time.getTime() / 1_000));
  const content = toContent(message.id, timestamp, message.body);
  const mac = await computeMac(secret, content);
  return {
    "webhook-id": message.id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${encodeBase64(mac)}`,
  };
}

/** The v1 signatures in a header: `v1,AAA v1,BBB`, `v1,AAA, v1,BBB` and alike. */
function readSignatures(header: string): Uint8Array[] {
  const parts = header.split(/[\s,]+/);
  const signatures: Uint8Array[] = [];
  for (let at = 0; at < parts.length; at++) {
    if (!VERSION.test(parts[at])) continue;
    const value = parts[at + 1] ?? "";
    if (parts[at] === "v1" && SIGNATURE.test(value)) {
      signatures.push(decodeBase64(value));
    }
  }
  return signatures;
}

function toContent(
  id: string,
  timestamp: string,
  body: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const start = new TextEncoder().encode(`${id}.${timestamp}.`);
  const content = new Uint8Array(start.length + body.length);
  content.set(start);
  content.set(body, start.length);
  return content;
}

async function computeMac(
  secret: Uint8Array<ArrayBuffer>,
  content: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", secret, algorithm, false, [
    "sign",
  ]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, content));
}

function refuse(reason: SignatureFault): Verification {
  return { ok: false, reason };
}

/** Secrets as bytes, or an error in one sentence. */
type ParsedSecrets =
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
  // The comma of "v1,whsec_…" is not a separator.
  const parts = text.replaceAll(`v1,${PREFIX}`, PREFIX).split(/[\s,|]+/)
    .filter((part) => part !== "");
  if (parts.length === 0) {
    return { error: `The value has no secret: expected ${PREFIX}<base64>` };
  }
  if (parts.length > MAX_WEBHOOK_SECRETS) {
    return { error: `The value has more than ${MAX_WEBHOOK_SECRETS} secrets` };
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
    return "belongs to an asymmetric signature (v1a), which is not supported: expected whsec_<base64>";
  }
  if (!part.startsWith(PREFIX)) {
    return `does not start with ${PREFIX} or v1,${PREFIX}`;
  }
  if (!BASE64.test(part.slice(PREFIX.length))) {
    return `is not base64 with padding after ${PREFIX}`;
  }
  const { length } = decode(part);
  return length < MIN_WEBHOOK_SECRET_BYTES || length > MAX_WEBHOOK_SECRET_BYTES
    ? `has ${length} bytes: expected ${MIN_WEBHOOK_SECRET_BYTES} to ${MAX_WEBHOOK_SECRET_BYTES}`
    : null;
}

function decode(part: string): Uint8Array<ArrayBuffer> {
  return decodeBase64(part.slice(PREFIX.length));
}

/** The environment variables that hold secrets, by purpose. */
export const SECRET_VARIABLES = {
  /** `/webhooks/auth`: the secrets of Supabase Auth's hooks. */
  auth: "AUTH_HOOK_SECRETS",
  /** `/webhooks/standard/<log>`. */
  standard: "STANDARD_WEBHOOK_SECRETS",
} as const;

/** The secrets of each signed format; null if its variable is not set. */
export type WebhookSettings = Record<
  keyof typeof SECRET_VARIABLES,
  ParsedSecrets | null
>;

/** Reads the secrets at startup, so that invalid ones are logged early. */
export function readWebhookSettings(
  readVariable: (name: string) => string | undefined,
): WebhookSettings {
  const read = (name: string) => {
    const text = readVariable(name)?.trim();
    return text ? parseSecrets(text) : null;
  };
  return {
    auth: read(SECRET_VARIABLES.auth),
    standard: read(SECRET_VARIABLES.standard),
  };
}

/** One sentence for each invalid variable. */
export function findSettingFaults(settings: WebhookSettings): string[] {
  return (Object.keys(settings) as (keyof WebhookSettings)[]).flatMap(
    (name) => {
      const error = settings[name]?.error;
      return error ? [`${SECRET_VARIABLES[name]} is invalid: ${error}`] : [];
    },
  );
}
