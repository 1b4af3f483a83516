/** Error answers of the platform: its gateway's and PostgREST's codes and shapes. */
import { errors } from "jose";

/** Errors of the gateway; the code also goes out as `sb-error-code`. */
const GATEWAY_ERRORS = {
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

/** The code of a gateway error. */
export type RefusalCode = keyof typeof GATEWAY_ERRORS;

/** The gateway's answer with the JSON of `code`. */
export function refuse(code: RefusalCode): Response {
  const [status, message] = GATEWAY_ERRORS[code];
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

/** The gateway's answer when the upstream server is unreachable. */
export function refuseUnreachable(): Response {
  return Response.json({
    message: "An invalid response was received from the upstream server",
  }, { status: 502 });
}

/** PostgREST's answer when no database connection became free in time. */
export function refuseBusy(): Response {
  return answerAsPostgrest(504, {
    code: "PGRST003",
    message: "Timed out acquiring connection from connection pool.",
  });
}

/** PostgREST's answer to a token that it does not accept. */
export function refuseToken(error: unknown): Response {
  const expired = error instanceof errors.JWTExpired;
  const message = expired ? "JWT expired" : "JWT could not be verified";
  const code = expired ? "PGRST303" : "PGRST301";
  return answerAsPostgrest(401, { code, message }, {
    "www-authenticate":
      `Bearer error="invalid_token", error_description="${message}"`,
  });
}

/** The message of postgres-pool.ts for a failed or lost connection. */
const CONNECTION_FAILED = /\bthe connection failed: [0-9A-Z_]+/;
const LOGGED_CHARACTERS = 500;

/**
 * Turns a 5xx about a lost database connection into PostgREST's 503, which clients
 * retry: Lite answers 500 and names the server's address. Logs every 5xx; other
 * responses pass unchanged.
 */
export async function translateConnectionErrors(
  response: Response,
  request: Request,
): Promise<Response> {
  if (response.status < 500) return response;
  const text = await response.text();
  const isLost = CONNECTION_FAILED.test(text);
  const problem = isLost
    ? "the database is unreachable"
    : text.slice(0, LOGGED_CHARACTERS);
  const { pathname } = new URL(request.url);
  console.error(`${request.method} ${pathname}: ${problem}`);
  return isLost
    ? answerAsPostgrest(503, {
      code: "PGRST001",
      message: "Database client error. Retrying the connection.",
    })
    : new Response(text, response);
}

function answerAsPostgrest(
  status: number,
  { code, message }: { code: string; message: string },
  headers?: Record<string, string>,
): Response {
  const body = { code, details: null, hint: null, message };
  return Response.json(body, { status, headers });
}
