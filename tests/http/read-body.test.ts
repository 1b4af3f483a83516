import { describe, expect, test } from "vitest";
import { Admission } from "../../shared/http/admission.ts";
import { Context } from "../../shared/http/context.ts";
import { MAX_BODY_BYTES } from "../../shared/limits.ts";
import { ProblemError } from "../../shared/http/problem.ts";
import { readBody } from "../../shared/http/read-body.ts";

type Body = ConstructorParameters<typeof Response>[0];

function post(body: Body, headers: Record<string, string> = {}) {
  return new Request("http://localhost/llm-usage", {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });
}

function readFrom(request: Request) {
  const environment = { data: null, error: new Error("not needed") };
  const permit = new Admission().issue();
  const url = new URL(request.url);
  return readBody(new Context(request, url, [], permit, environment));
}

async function failure(request: Request) {
  const error = await readFrom(request).then(() => null, (error) => error);
  expect(error).toBeInstanceOf(ProblemError);
  return (error as ProblemError).problem;
}

async function gzip(data: Uint8Array<ArrayBuffer>) {
  const stream = new Blob([data]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const bytes = (text: string) => new TextEncoder().encode(text);

describe("readBody()", () => {
  test.each([
    ["application/json", "json"],
    ["application/json; charset=utf-8", "json"],
    ["Application/JSON;charset=UTF-8", "json"],
    ["application/x-ndjson", "ndjson"],
    ["application/jsonl", "ndjson"],
  ])("reads %s as %s", async (type, format) => {
    const request = post("{}", { "content-type": type });
    expect(await readFrom(request)).toEqual({ format, text: "{}" });
  });

  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json; charset=latin1",
    "nonsense;;;",
  ])("answers 415 to %s and names the accepted media types", async (type) => {
    const problem = await failure(post("{}", { "content-type": type }));
    expect(problem.code).toBe("unsupported_media_type");
    expect(problem.detail).toContain("application/x-ndjson");
  });

  test("inflates gzip", async () => {
    const body = await gzip(bytes('{"a":1}'));
    const { text } = await readFrom(post(body, { "content-encoding": "gzip" }));
    expect(text).toBe('{"a":1}');
  });

  test.each(["br", "deflate", "gzip, gzip"])(
    "answers 415 to the content encoding %s",
    async (encoding) => {
      const problem = await failure(
        post("{}", { "content-encoding": encoding }),
      );
      expect(problem.code).toBe("unsupported_encoding");
    },
  );

  test("answers 400 to invalid or truncated gzip", async () => {
    const whole = await gzip(bytes('{"a":1}'.repeat(100)));
    for (const body of [bytes("{}"), whole.slice(0, -10)]) {
      const problem = await failure(post(body, { "content-encoding": "gzip" }));
      expect(problem).toMatchObject({ status: 400, code: "invalid_body" });
    }
  });

  test("accepts a body of exactly the limit and refuses one byte more", async () => {
    const { text } = await readFrom(
      post(" ".repeat(MAX_BODY_BYTES - 2) + "{}"),
    );
    expect(text).toHaveLength(MAX_BODY_BYTES);
    const problem = await failure(post(" ".repeat(MAX_BODY_BYTES - 1) + "{}"));
    expect(problem).toMatchObject({ status: 413, code: "body_too_large" });
    expect(problem.detail).toContain(String(MAX_BODY_BYTES));
  });

  test("stops a gzip bomb at the limit", async () => {
    const bomb = await gzip(new Uint8Array(64 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(100_000);
    const problem = await failure(post(bomb, { "content-encoding": "gzip" }));
    expect(problem.status).toBe(413);
  });

  test("refuses a Content-Length above the limit without reading the body", async () => {
    const request = new Request("http://localhost/", {
      method: "POST",
      body: new ReadableStream({
        pull: () => {
          throw new Error("must not be read");
        },
      }, { highWaterMark: 0 }),
      headers: {
        "content-type": "application/json",
        "content-length": "3000000",
      },
    });
    expect((await failure(request)).status).toBe(413);
  });

  test("enforces the limit despite a Content-Length that is too small", async () => {
    const long = post(" ".repeat(MAX_BODY_BYTES + 1), {
      "content-length": "2",
    });
    expect((await failure(long)).status).toBe(413);
  });

  test("drops a byte order mark and refuses bytes that are not UTF-8", async () => {
    const { text } = await readFrom(post(bytes("\ufeff{}")));
    expect(text).toBe("{}");
    const problem = await failure(post(new Uint8Array([0x22, 0xff, 0x22])));
    expect(problem.detail).toBe("The body is not UTF-8; encode it in UTF-8");
  });

  test.each(["", "  \n"])("answers 400 to an empty body (%j)", async (body) => {
    expect((await failure(post(body))).detail).toBe("The body is empty");
  });
});
