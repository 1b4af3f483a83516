import { beforeAll, describe, expect, test, vi } from "vitest";
import { exchange } from "../support/raw-http.ts";
import { useScratchStack } from "./use-scratch-stack.ts";

const CONFIG = ["echo", "answer", "drip", "half"]
  .map((slug) => `[functions.${slug}]\nverify_jwt = false\n`).join("");

/** Answers with the received bytes and headers. */
const ECHO = `
export default { async fetch(req) {
  const bytes = await req.bytes();
  return Response.json({
    bytes: Array.from(bytes.slice(0, 64)),
    size: bytes.length,
    headers: Object.fromEntries(req.headers),
  });
} };`;

/** Answers with the status and the encoding of the query. */
const ANSWER = `
const gzip = async (text) => new Response(
  new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))
).bytes();
export default { async fetch(req) {
  const query = new URL(req.url).searchParams;
  const status = Number(query.get("status") ?? 200);
  if (query.has("gzip")) {
    return new Response(await gzip("hello".repeat(100)), {
      headers: { "content-encoding": "gzip", "content-type": "text/plain" },
    });
  }
  const headers = new Headers({ etag: '"tag"', "x-method": req.method });
  headers.append("set-cookie", "a=1");
  headers.append("set-cookie", "b=2");
  const body = status === 204 || status === 304 ? null : "a body of some length";
  return new Response(body, { status, headers });
} };`;

/** Sends a line, then waits for a line of the request before the next. */
const DRIP = `
globalThis.cancelled = 0;
export default { fetch(req) {
  if (new URL(req.url).pathname.endsWith("/cancelled")) {
    return new Response(String(globalThis.cancelled));
  }
  if (req.method === "POST") return new Response(req.body);
  return new Response(new ReadableStream({
    async pull(controller) {
      controller.enqueue(new TextEncoder().encode("tick"));
      await new Promise((done) => setTimeout(done, 10));
    },
    cancel() { globalThis.cancelled++; },
  }));
} };`;

/** Throws in the middle of its response. */
const HALF = `
export default { fetch() {
  let sent = false;
  return new Response(new ReadableStream({
    pull(controller) {
      if (!sent) controller.enqueue(new TextEncoder().encode("half"));
      else setTimeout(() => { throw new Error("in the middle"); }, 0);
      sent = true;
    },
  }));
} };`;

describe("between client and function", () => {
  let port: number;

  const scratch = useScratchStack({
    "config.toml": CONFIG,
    "functions/echo/index.ts": ECHO,
    "functions/answer/index.ts": ANSWER,
    "functions/drip/index.ts": DRIP,
    "functions/half/index.ts": HALF,
  });

  beforeAll(() => {
    port = Number(new URL(scratch.stack.url).port);
  });

  const call = (path: string, init?: RequestInit) =>
    fetch(`${scratch.stack.url}/functions/v1/${path}`, init);

  const head = (method: string, path: string, ...lines: string[]) => [
    `${method} /functions/v1/${path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    ...lines,
  ];

  const textOf = ({ body }: { body: Uint8Array }) =>
    new TextDecoder().decode(body);

  test.each(["TRACE", "TRACK"])(
    "%s is a 405 before the function",
    async (method) => {
      const { status } = await exchange(port, [
        `${method} /functions/v1/echo HTTP/1.1`,
        "host: 127.0.0.1",
        "connection: close",
      ]);
      expect(status).toBe(405);
    },
  );

  test("a compressed request arrives compressed, with its Content-Encoding", async () => {
    const sent = await new Response(
      new Blob(["x".repeat(5000)]).stream()
        .pipeThrough(new CompressionStream("gzip")),
    ).bytes();
    const response = await call("echo", {
      method: "POST",
      body: sent,
      headers: { "content-encoding": "gzip" },
    });
    const seen = await response.json();
    expect(seen.size).toBe(sent.length);
    expect(seen.bytes).toEqual(Array.from(sent.slice(0, 64)));
    expect(seen.headers["content-encoding"]).toBe("gzip");
  });

  test("a compressed response stays compressed, with its Content-Encoding", async () => {
    const answer = await exchange(
      port,
      head("GET", "answer?gzip", "connection: close"),
    );
    expect(answer.headers.get("content-encoding")).toBe("gzip");
    expect(Array.from(answer.body.slice(0, 2))).not.toEqual([104, 101]);
    const response = await call("answer?gzip");
    expect(await response.text()).toBe("hello".repeat(100));
  });

  test("a response is not compressed by the gateway", async () => {
    const answer = await exchange(
      port,
      head("GET", "answer", "accept-encoding: gzip, br", "connection: close"),
    );
    expect(answer.headers.get("content-encoding")).toBeNull();
    expect(answer.headers.get("etag")).toBe('"tag"');
  });

  test("a body without a Content-Length arrives whole", async () => {
    const parts = ["first ", "second ", "third"];
    const chunks = parts.map((part) =>
      `${part.length.toString(16)}\r\n${part}\r\n`
    );
    const answer = await exchange(
      port,
      head("POST", "echo", "transfer-encoding: chunked", "connection: close"),
      new TextEncoder().encode(`${chunks.join("")}0\r\n\r\n`),
    );
    expect(answer.status).toBe(200);
    const body = textOf(answer);
    expect(body).toContain(`"size":${parts.join("").length}`);
    expect(body).not.toContain('"content-length"');
  });

  test("a Content-Length that is too small ends the body there", async () => {
    const answer = await exchange(
      port,
      head("POST", "echo", "content-length: 4", "connection: close"),
      new TextEncoder().encode("four and more"),
    );
    expect(answer.status).toBe(200);
    expect(textOf(answer)).toContain('"size":4,');
  });

  test("a Content-Length that is too large fails that request alone", async () => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const lines = head("POST", "echo", "content-length: 1000");
    await connection.write(
      new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\nshort`),
    );
    await new Promise((done) => setTimeout(done, 100));
    connection.close();
    await new Promise((done) => setTimeout(done, 100));
    const response = await call("echo", { method: "POST", body: "after" });
    expect(await response.json()).toMatchObject({ size: 5 });
  });

  test("HEAD gets the headers and no body", async () => {
    const answer = await exchange(
      port,
      head("HEAD", "answer", "connection: close"),
    );
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-method")).toBe("HEAD");
    expect(answer.headers.get("etag")).toBe('"tag"');
    expect(answer.body.length).toBe(0);
  });

  test("204 and 304 keep their headers and have no body", async () => {
    for (const status of [204, 304]) {
      const answer = await exchange(
        port,
        head("GET", `answer?status=${status}`, "connection: close"),
      );
      expect(answer.status).toBe(status);
      expect(answer.headers.get("etag")).toBe('"tag"');
      expect(answer.body.length).toBe(0);
    }
  });

  test("other statuses and repeated headers pass through", async () => {
    for (const status of [201, 207, 400, 418, 503]) {
      const response = await call(`answer?status=${status}`);
      expect(response.status).toBe(status);
      expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
      await response.body?.cancel();
    }
  });

  test("OPTIONS goes to the function", async () => {
    const response = await call("answer?status=200", {
      method: "OPTIONS",
      headers: { "access-control-request-method": "POST" },
    });
    expect(response.headers.get("x-method")).toBe("OPTIONS");
    await response.body?.cancel();
  });

  test("request and response bodies stream concurrently", async () => {
    const { readable, writable } = new TransformStream<Uint8Array>();
    const writer = writable.getWriter();
    const response = call("drip", { method: "POST", body: readable });
    await writer.write(new TextEncoder().encode("one"));
    const reader = (await response).body!
      .pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe("one");
    await writer.write(new TextEncoder().encode("two"));
    expect((await reader.read()).value).toBe("two");
    await writer.close();
    expect((await reader.read()).done).toBe(true);
  });

  test("a large body passes in both directions unchanged", async () => {
    const sent = new Uint8Array(3 * 1024 * 1024);
    for (let at = 0; at < sent.length; at++) sent[at] = at * 31 % 251;
    const response = await call("drip", { method: "POST", body: sent });
    const received = await response.bytes();
    expect(received.length).toBe(sent.length);
    expect(received.every((byte, at) => byte === sent[at])).toBe(true);
  });

  test("a client that disconnects cancels the response, not the worker", async () => {
    const aborter = new AbortController();
    const response = await call("drip", { signal: aborter.signal });
    await response.body!.getReader().read();
    aborter.abort();
    await expect.poll(
      () => call("drip/cancelled").then((answer) => answer.text()),
      { timeout: 5000 },
    ).toBe("1");
  });

  test("a function that throws during its response aborts the connection", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const response = await call("half");
    await expect(response.text()).rejects.toThrow();
    expect(log).toHaveBeenCalledWith(
      expect.stringMatching(/^Function half ended: Error: in the middle/),
    );
    log.mockRestore();
  });
});
