import { verifyAuth } from "@supabase/server/core";
import type { Environment } from "../store/environment.ts";
import type { Caller } from "../store/caller.ts";
import { createProblem, ProblemError } from "./problem.ts";
import { noteOn } from "./request-notes.ts";

const WANTED =
  "Send a secret API key in the apikey header (apikey: sb_secret_…), or a user's token as Authorization: Bearer <JWT>";

/**
 * Verifies the credential of a request. A user's token wins over an API key in
 * the same request, as in the REST API; a bad token is never downgraded.
 *
 * @throws {ProblemError} 401 without a valid credential; 503 when the keys to
 * verify a token cannot be had; 500 when the function is configured wrongly.
 */
export async function authenticate(
  request: Request,
  env: Environment,
): Promise<Caller> {
  const { data, error } = await verifyAuth(request, {
    auth: ["user", "secret:*"],
    env,
  });
  if (error) throw toProblemError(error);
  const { authMode, keyName, jwtClaims, token } = data;
  if (authMode === "secret") {
    const name = keyName ?? "default";
    noteOn(request, { caller: `secret:${name}` });
    return { kind: "service", keyName: name };
  }
  if (token === null || jwtClaims?.role !== "authenticated") {
    throw unauthorized(
      "invalid_credentials",
      "The token is not that of a signed-in user (role authenticated)",
    );
  }
  noteOn(request, { caller: "user" });
  return { kind: "user", id: jwtClaims.sub, token };
}

function toProblemError(
  error: { code: string; status: number; message: string },
): ProblemError {
  if (error.code === "MISSING_CREDENTIALS") {
    return unauthorized("missing_credentials", WANTED);
  }
  if (error.status === 401) {
    const reason = error.code === "INVALID_JWT"
      ? "The token is malformed, expired, or not signed by this project"
      : "The API key is not a secret key of this project";
    return unauthorized("invalid_credentials", `${reason}. ${WANTED}`);
  }
  const code = error.code === "JWKS_FETCH_FAILED"
    ? "unavailable"
    : "internal_error";
  const detail = "The credentials cannot be checked at the moment";
  return new ProblemError(createProblem(code, detail), {}, { cause: error });
}

function unauthorized(
  code: "missing_credentials" | "invalid_credentials",
  detail: string,
): ProblemError {
  return new ProblemError(createProblem(code, detail), {
    "www-authenticate": 'Bearer realm="ledger-functions"',
  });
}
