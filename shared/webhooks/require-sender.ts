import { createProblem, ProblemError } from "../endpoint/problem.ts";
import {
  type SignatureFault,
  verifySignature,
} from "../signatures/standard-webhooks.ts";
import {
  SECRET_VARIABLES,
  type WebhookSettings,
} from "../signatures/webhook-settings.ts";
import type { Format } from "./formats.ts";

/**
 * Whether a request is to be let in for its signature rather than its key: where
 * a format may be signed, unless there is a key and no signature. A signature
 * that is wrong is never made up for by a key.
 */
export function isSigned({ headers }: Request, { signedBy }: Format): boolean {
  return signedBy !== undefined &&
    (headers.has("webhook-signature") || !headers.has("apikey"));
}

/**
 * Lets a signed delivery in.
 *
 * @throws {ProblemError} 401 when no secret of this format made the signature, or
 * it is not of now.
 * @throws when the secrets cannot be used, which is nobody's business but ours.
 */
export async function requireSignature(
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
    // RFC 9110 §15.5.2 wants a challenge, and signatures have no scheme of theirs.
    "www-authenticate": 'Bearer realm="ledger-functions"',
  });
}
