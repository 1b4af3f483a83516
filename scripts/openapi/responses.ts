import { type ProblemCode, PROBLEMS } from "../../shared/http/problem.ts";
import { RETRY_AFTER_SECONDS } from "../../shared/limits.ts";
import type { Content, Reply } from "./operation.ts";
import { type Json, refer } from "./schemas.ts";

/** The headers of the answers, by name; each becomes a component. */
export const HEADERS: Record<string, Json> = {
  "x-request-id": text("The id of the request in the access log"),
  "location": text("The path of the recorded row"),
  "link": text('The path of the next page, as <…>; rel="next"'),
  "etag": text("The version of the row; see If-None-Match"),
  "content-disposition": text("The suggested file name"),
  "x-truncated": {
    description: "Whether groups are missing",
    schema: { type: "string", enum: ["true", "false"] },
  },
  "www-authenticate": text("How to authenticate (RFC 9110, 11.6.1)"),
  "allow": text("The methods of this path"),
  "accept": text("The media types that a body may have"),
  "accept-encoding": text("The content encodings that a body may have"),
  "retry-after": {
    description: "Seconds to wait before a retry",
    schema: { type: "integer", examples: [RETRY_AFTER_SECONDS] },
  },
};

/** The headers of problems, by status. */
const PROBLEM_HEADERS: Record<number, string[]> = {
  401: ["www-authenticate"],
  405: ["allow"],
  415: ["accept", "accept-encoding"],
  429: ["retry-after"],
  503: ["retry-after"],
};

/** The problems of every operation; each becomes a component. */
const COMMON: Record<string, ProblemCode[]> = {
  Unauthorized: ["missing_credentials", "invalid_credentials"],
  Forbidden: ["not_allowed"],
  MethodNotAllowed: ["method_not_allowed"],
  NotAcceptable: ["not_acceptable"],
  InternalError: ["internal_error"],
  Unavailable: ["unavailable", "overloaded"],
};

/** The responses of every operation that requires a credential. */
export const ALWAYS = {
  401: refer("responses", "Unauthorized"),
  403: refer("responses", "Forbidden"),
  500: refer("responses", "InternalError"),
  503: refer("responses", "Unavailable"),
};

/** The responses that are components of the document, by name. */
export function commonResponses(): Record<string, Reply> {
  return Object.fromEntries(
    Object.entries(COMMON).map(([name, codes]) => [
      name,
      ...Object.values(respondProblems(codes)),
    ]),
  );
}

/** A response object; every answer carries `x-request-id`. */
export function respond(
  description: string,
  content: Content,
  headers: string[] = [],
): Reply {
  const all = ["x-request-id", ...headers]
    .map((name) => [name, refer("headers", name)]);
  const body = Object.keys(content).length > 0 ? { content } : {};
  return { description, headers: Object.fromEntries(all), ...body };
}

/** The responses of problems, by status. */
export function respondProblems(
  codes: readonly ProblemCode[],
): Record<string, Reply> {
  const byStatus: Record<number, ProblemCode[]> = {};
  for (const code of codes) (byStatus[PROBLEMS[code][0]] ??= []).push(code);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, codes]) => [
      status,
      respond(
        codes.map((code) => `${code}: ${PROBLEMS[code][1]}`).join(". "),
        { "application/problem+json": { schema: problemOf(status, codes) } },
        PROBLEM_HEADERS[Number(status)],
      ),
    ]),
  );
}

function problemOf(status: string, codes: ProblemCode[]): Json {
  return {
    allOf: [refer("schemas", "Problem"), {
      type: "object",
      properties: {
        status: { const: Number(status) },
        code: { enum: codes },
      },
    }],
  };
}

function text(description: string): Json {
  return { description, schema: { type: "string" } };
}
