/** The refusals of the platform's gateway, in its own words and shapes. */

/** What each refusal says; the code also goes out as `sb-error-code`. */
const REFUSALS = {
  NOT_FOUND: [404, "Requested function was not found"],
  BOOT_ERROR: [503, "Worker failed to boot (please check logs)"],
  WORKER_ERROR: [500, "Function exited due to an error (please check logs)"],
  IDLE_TIMEOUT: [504, "Function did not respond in time (please check logs)"],
  UNAUTHORIZED_NO_AUTH_HEADER: [401, "Missing authorization header"],
  UNAUTHORIZED_INVALID_JWT_FORMAT: [401, "Invalid JWT format"],
  UNAUTHORIZED_UNSUPPORTED_TOKEN_ALGORITHM: [401, "Unsupported JWT algorithm"],
  UNAUTHORIZED_ASYMMETRIC_JWT: [401, "Invalid JWT"],
  UNAUTHORIZED_MISSING_API_KEY: [401, "No API key found in request"],
  UNAUTHORIZED_INVALID_API_KEY: [401, "Invalid API key"],
} as const satisfies Record<string, readonly [status: number, message: string]>;

/** A refusal's code. */
export type RefusalCode = keyof typeof REFUSALS;

/** Answers with the platform's JSON for `code`. */
export function refuse(code: RefusalCode): Response {
  const [status, message] = REFUSALS[code];
  return Response.json(
    status === 401 ? { code, message, msg: message } : { code, message },
    {
      status,
      headers: {
        "sb-error-code": code,
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "sb-error-code",
      },
    },
  );
}
