import { describe, expect, test } from "vitest";
import { StoreError } from "../../shared/db/call-function.ts";
import { describeError } from "../../shared/http/describe-error.ts";
import { createProblem, ProblemError } from "../../shared/http/problem.ts";

/** Values of a request or a row. */
const VALUES = ["ann@example.com", "x' or 1=1", "4111111111111111", "hunter2"];
const CONTENT = VALUES.join(" ");

/** The error that `work` throws. */
function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
}

const store = (code: string | undefined, message: string, status = 400) =>
  new StoreError({ message, code, details: `Key (id)=(${CONTENT})` }, status);

const problem = createProblem(
  "invalid_event",
  `/metadata/${CONTENT}: Is too long`,
  {
    errors: [{
      pointer: `/metadata/${CONTENT}`,
      code: "too_long",
      detail: "Is too long",
    }],
  },
);

describe("an error in the access log", () => {
  test.each<[string, unknown]>([
    ["Postgres about a parameter", store("22P02", `syntax: "${CONTENT}"`)],
    ["Postgres about a row", store("23505", `Failing row: (${CONTENT})`, 409)],
    ["a trigger", store("P0001", `${CONTENT} is refused`)],
    ["a trigger with a code of ours", store("42501", `no ${CONTENT}`, 403)],
    ["PostgREST about a name", store("PGRST204", `no column ${CONTENT}`)],
    ["a proxy", store(undefined, `<h1>${CONTENT}</h1>`, 502)],
    ["a proxy whose code is text", store(CONTENT, "x", 502)],
    [
      "an answer that is cut off",
      store("", `SyntaxError: Unexpected token '}', "${CONTENT}"`, 0),
    ],
    ["JSON.parse", thrown(() => JSON.parse(`{"a": ${CONTENT}`))],
    ["URL", thrown(() => new URL(CONTENT))],
    ["BigInt", thrown(() => BigInt(CONTENT))],
    ["a thrown text", CONTENT],
    ["a problem with a key of the request", new ProblemError(problem)],
    ["a cause", new Error("it failed", { cause: store("22P02", CONTENT) })],
    [
      "a message with lines like a stack's",
      new TypeError(`a\n    at ${CONTENT}`),
    ],
    [
      "a class that is named by content",
      Object.assign(new TypeError("a"), { code: CONTENT, status: CONTENT }),
    ],
  ])("of %s repeats no value", (_origin, error) => {
    const text = JSON.stringify(describeError(error));
    for (const value of VALUES) expect(text).not.toContain(value);
  });

  test.each([
    ["57014", "canceling statement due to statement timeout", 500],
    ["40P01", "deadlock detected", 500],
    ["53300", "too many connections", 503],
    ["PGRST001", "Database client error. Retrying the connection.", 503],
    ["ECONNREFUSED", "TypeError: error sending request", 0],
  ])("with the code %s keeps its message", (code, message, status) => {
    expect(describeError(store(code, message, status))).toMatchObject({
      name: "StoreError",
      message: `the database call failed: ${message}`,
      reason: { code, status },
    });
  });

  test.each([
    ["22P02", "a data exception"],
    ["23503", "an integrity constraint violation"],
    ["42501", "a syntax error or access rule violation"],
    ["P0001", "an exception that a function or trigger raised"],
    ["XX000", "an internal error of Postgres"],
    ["PGRST202", "an error of PostgREST"],
    ["SUP", "an answer that is not the REST API's"],
  ])("with the code %s has its class instead of the message", (code, kind) => {
    expect(describeError(store(code, CONTENT))).toMatchObject({
      message: `the database call failed: ${kind}`,
      reason: { code, status: 400 },
    });
  });

  test("of the project keeps its message, its frames and its causes", () => {
    const cause = new ProblemError(problem);
    const error = new Error("it failed", { cause });
    const described = describeError(error);
    expect(described).toMatchObject({
      message: "it failed",
      cause: { message: "invalid_event: too_long: Is too long" },
    });
    expect(described.stack).toMatch(/^ {4}at .*describe-error\.test/);
  });
});
