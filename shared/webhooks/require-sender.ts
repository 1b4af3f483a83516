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

/** A delivery of an admitted sender, who writes as a service, with its body. */
export type DeliveryContext = Context & {
  caller: Caller;
  bytes: Uint8Array<ArrayBuffer>;
};

/**
 * Lets in a service or, for a format that may be signed, the holder of a secret:
 * unless there is a key and no signature, the signature decides, and a key never
 * makes up for a wrong one. A signature covers the body, so it is read before it is
 * verified; without one it is read once the caller is admitted.
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
 * @throws {ProblemError} 401 when no secret of this format made the signature, or
 * its time is not now.
 * @throws when the secrets are misconfigured (reported as 500 without detail).
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
  malformed_headers: "The signature's headers cannot be read",
  too_old: "The signature is more than five minutes old",
  too_new: "The signature's time lies more than five minutes in the future",
  wrong_signature:
    "The signature is not one that a secret of this endpoint makes",
};

function refuse(
  reason: SignatureFault,
  signedBy: keyof WebhookSettings,
): ProblemError {
  const code = reason === "missing_headers"
    ? "missing_credentials"
    : "invalid_credentials";
  const detail = reason === "no_secrets"
    ? `No secret is set up for signatures here: set ${
      SECRET_VARIABLES[signedBy]
    }, or ${KEY}`
    : REASONS[reason];
  return new ProblemError(createProblem(code, detail), {
    // RFC 9110 §15.5.2 wants a challenge, and signatures have no scheme.
    "www-authenticate": 'Bearer realm="ledger-functions"',
  });
}
