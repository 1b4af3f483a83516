import type { Caller } from "../db/call-function.ts";
import { type Access, serviceOnly } from "../http/access.ts";
import type { Context } from "../http/context.ts";
import { createProblem, ProblemError } from "../http/problem.ts";
import { readBytes } from "../http/read-body.ts";
import {
  SECRET_VARIABLES,
  type SignatureFault,
  verifySignature,
  type WebhookSettings,
} from "./signatures.ts";

/** A delivery of an authenticated sender, who writes as a service, with its body. */
export type DeliveryContext = Context & {
  caller: Caller;
  bytes: Uint8Array<ArrayBuffer>;
};

/**
 * Requires a service's API key or, for a format that may be signed, a valid
 * signature. A signature takes precedence: a key does not make up for an invalid one.
 * A signed body is read before its signature can be verified, any other after the key.
 */
export function requireSender(
  signedBy: keyof WebhookSettings | undefined,
  settings: WebhookSettings,
): Access<DeliveryContext> {
  const service = serviceOnly("push webhooks");
  return async (ctx) => {
    const { headers } = ctx.request;
    const isSigned = headers.has("webhook-signature") || !headers.has("apikey");
    if (signedBy === undefined || !isSigned) {
      const admitted = await service(ctx);
      return Object.assign(admitted, { bytes: await readBytes(ctx) });
    }
    const bytes = await readBytes(ctx);
    await requireSignature(headers, bytes, signedBy, settings);
    const sender = `signature:${signedBy}`;
    ctx.annotate({ caller: sender });
    const caller: Caller = { kind: "service", keyName: sender };
    return Object.assign(ctx, { caller, bytes });
  };
}

/**
 * @throws {ProblemError} 401 for an invalid signature or a timestamp out of tolerance.
 * @throws if the secrets are misconfigured (reported as 500 without detail).
 */
async function requireSignature(
  headers: Headers,
  body: Uint8Array<ArrayBuffer>,
  signedBy: keyof WebhookSettings,
  settings: WebhookSettings,
): Promise<void> {
  const secrets = settings[signedBy];
  if (secrets?.error) {
    throw new Error(`${SECRET_VARIABLES[signedBy]}: ${secrets.error}`);
  }
  const { ok, reason } = await verifySignature(
    { headers, body },
    secrets?.secrets ?? [],
    new Date(),
  );
  if (!ok) throw refuse(reason, signedBy);
}

const KEY = "send a secret API key in the apikey header";

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
