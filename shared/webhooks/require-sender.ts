import type { Caller } from "../db/call-function.ts";
import { type Access, writerOf } from "../http/access.ts";
import type { Context } from "../http/context.ts";
import { createProblem, ProblemError } from "../http/problem.ts";
import { readBytes } from "../http/read-body.ts";
import { AUTH_HOOK_TIMEOUT_MS, MAX_AUTH_HOOK_BYTES } from "../limits.ts";
import type { Log } from "../logs/log.ts";
import {
  readSignatureHeaders,
  SECRET_VARIABLES,
  type SignatureFault,
  verifySignature,
  type WebhookSettings,
} from "./signatures.ts";

/** A delivery of an authenticated sender with its body; a signature writes as a service. */
export type DeliveryContext = Context & {
  caller: Caller;
  bytes: Uint8Array<ArrayBuffer>;
};

/**
 * Requires a producer key of the log, a service's API key or, for a format that may be
 * signed, a valid signature. A signature takes precedence: a key does not make up for an invalid one.
 * A signed body has to be read before its signature can be verified: this happens only
 * with well-formed, recent headers, and such bodies share small limits of their own, in
 * which a new one takes the place of the oldest.
 */
export function requireSender(
  signedBy: keyof WebhookSettings | undefined,
  settings: WebhookSettings,
  log: Log,
): Access<DeliveryContext> {
  const sender = writerOf(log, {
    purpose: "push webhooks",
    users: false,
    parameters: log.urlDefaults,
  });
  return async (ctx) => {
    const { headers } = ctx.request;
    if (signedBy === undefined || !isSigned(ctx.request)) {
      const admitted = await sender(ctx);
      return Object.assign(admitted, { bytes: await readBytes(ctx) });
    }
    const secrets = readSecrets(signedBy, settings);
    const signed = readSignatureHeaders(headers, new Date());
    if ("reason" in signed) throw refuse(signed.reason, signedBy);
    const bytes = await readBytes(ctx, {
      ...signedBy === "auth" && AUTH_HOOK_LIMITS,
      unverified: signedBy,
    });
    const message = { headers, body: bytes };
    const { ok, reason } = await verifySignature(message, secrets, new Date());
    if (!ok) throw refuse(reason, signedBy);
    const keyName = `signature:${signedBy}`;
    ctx.annotate({ caller: keyName });
    const caller: Caller = { kind: "service", keyName };
    return Object.assign(ctx, { caller, bytes });
  };
}

/** A hook is small, and Auth sends it at once. */
const AUTH_HOOK_LIMITS = {
  maxBytes: MAX_AUTH_HOOK_BYTES,
  timeoutMs: AUTH_HOOK_TIMEOUT_MS,
};

/** Whether the credential of a request is a signature: it has one, or no key. */
export function isSigned({ headers }: Request): boolean {
  const hasKey = ["apikey", "authorization", "x-ledger-key"]
    .some((name) => headers.has(name));
  return headers.has("webhook-signature") || !hasKey;
}

/**
 * The secrets that verify the signatures of a format.
 *
 * @throws {ProblemError} 401 when there are none.
 * @throws if the secrets are misconfigured (reported as 500 without detail).
 */
function readSecrets(
  signedBy: keyof WebhookSettings,
  settings: WebhookSettings,
): Uint8Array<ArrayBuffer>[] {
  const setting = settings[signedBy];
  if (setting?.error) {
    throw new Error(`${SECRET_VARIABLES[signedBy]}: ${setting.error}`);
  }
  const secrets = setting?.secrets ?? [];
  if (secrets.length === 0) throw refuse("no_secrets", signedBy);
  return secrets;
}

const KEY =
  "send a producer key in the x-ledger-key header or a secret API key in the apikey header";

const REASONS: Record<Exclude<SignatureFault, "no_secrets">, string> = {
  missing_headers:
    `Sign the request (webhook-id, webhook-timestamp, webhook-signature), or ${KEY}`,
  malformed_headers: "The signature's headers are malformed",
  too_old: "The signature is more than five minutes old",
  too_new: "The signature is more than five minutes in the future",
  wrong_signature: "The signature does not match any secret of this endpoint",
};

function refuse(
  reason: SignatureFault,
  signedBy: keyof WebhookSettings,
): ProblemError {
  const code = reason === "missing_headers"
    ? "missing_credentials"
    : "invalid_credentials";
  const detail = reason === "no_secrets"
    ? `No secret is configured for signatures: set ${
      SECRET_VARIABLES[signedBy]
    }, or ${KEY}`
    : REASONS[reason];
  return new ProblemError(createProblem(code, detail), {
    // RFC 9110 §15.5.2 requires a challenge, and signatures have no scheme.
    "www-authenticate": 'Bearer realm="ledger-functions"',
  });
}
