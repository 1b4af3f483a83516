import { findSecret } from "../sensitive/secrets.ts";

/**
 * What a request id may look like. Keys of this platform and the beginning of a
 * token (`{"` in base64url) are excepted.
 */
const HARMLESS = /^(?!.*(?:sb_|eyJ))[\w.-]{1,64}$/;

/**
 * The caller's own `x-request-id` when it is harmless, else a new one. It goes to
 * the log and back to the caller, so that it may break no line and be no key that
 * somebody put there by mistake.
 */
export function readRequestId(headers: Headers): string {
  const sent = headers.get("x-request-id") ?? "";
  return HARMLESS.test(sent) && findSecret(sent) === null
    ? sent
    : crypto.randomUUID();
}
