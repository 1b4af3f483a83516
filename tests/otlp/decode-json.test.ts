import { describe, expect, test } from "vitest";
import { decodeJson } from "../../shared/otlp/decode-json.ts";
import { MAX_SPANS } from "../../shared/limits.ts";
import {
  chat,
  decodeError,
  jsonExport,
  jsonSpan,
  spanId,
  toBytes,
  TRACE_ID,
} from "../support/otlp-exports.ts";

const decode = (value: unknown) => decodeJson(toBytes(value));

function decodeOne(span: unknown) {
  const [one, ...others] = decode(jsonExport([span]));
  expect(others).toEqual([]);
  return one;
}

function decodeSpan(span: unknown) {
  const one = decodeOne(span);
  if (!("span" in one)) throw new Error(one.rejection.reason);
  return one.span;
}

const failure = (bytes: Uint8Array) => decodeError(decodeJson, bytes);

describe("decodeJson()", () => {
  test("reads the members of a span", () => {
    const span = jsonSpan(2, {
      "gen_ai.request.model": "gpt-5",
      "gen_ai.response.finish_reasons": ["stop", "length"],
    }, {
      parent: 1,
      name: "chat gpt-5",
      kind: 2,
      flags: 0x301,
      status: { code: 2, message: "no" },
    });
    const [decoded] = decode(
      jsonExport([span], { scope: "ai", resource: { "ledger.firm_id": "f" } }),
    );
    expect(decoded).toEqual({
      span: {
        traceId: TRACE_ID,
        spanId: spanId(2),
        parentSpanId: spanId(1),
        remoteParent: true,
        name: "chat gpt-5",
        kind: 2,
        start: 1755820800000000000n,
        end: 1755820801500000000n,
        attributes: new Map<string, unknown>([
          ["gen_ai.request.model", "gpt-5"],
          ["gen_ai.response.finish_reasons", ["stop", "length"]],
        ]),
        failed: true,
        statusMessage: "no",
        scope: "ai",
        resource: new Map([["ledger.firm_id", "f"]]),
      },
    });
  });

  test.each([
    ["no bytes at all", new Uint8Array()],
    ["an empty object", toBytes({})],
    ["an empty list", toBytes({ resourceSpans: [] })],
    ["null for a list", toBytes({ resourceSpans: null })],
    ["a resource without spans", toBytes({ resourceSpans: [{}] })],
    ["a scope without spans", toBytes(jsonExport([]))],
  ])("reads %s as no spans", (_, bytes) => {
    expect(decodeJson(bytes)).toEqual([]);
  });

  test("reads integers as strings and as numbers", () => {
    const value = (intValue: unknown) => ({ intValue });
    const span = decodeSpan(jsonSpan(1, {}, {
      attributes: [
        { key: "gen_ai.usage.input_tokens", value: value("300") },
        { key: "gen_ai.usage.output_tokens", value: value(200) },
      ],
      startTimeUnixNano: 1755820800000000000,
    }));
    expect([...span.attributes.values()]).toEqual([300, 200]);
    expect(span.start).toBe(1755820800000000000n);
  });

  test.each([
    [3, 3],
    ["SPAN_KIND_CLIENT", 3],
    ["server", 2],
    ["nonsense", 0],
    [undefined, 0],
  ])("reads the kind %j as %d", (kind, number) => {
    expect(decodeSpan(jsonSpan(1, {}, { kind })).kind).toBe(number);
  });

  test.each([2, "STATUS_CODE_ERROR", "error"])(
    "reads the status %j as a failure",
    (code) => {
      expect(decodeSpan(jsonSpan(1, {}, { status: { code } })).failed).toBe(
        true,
      );
    },
  );

  test("ignores unknown members", () => {
    const span = { ...jsonSpan(1, {}), events: 5, unknown: { deep: [[[]]] } };
    expect(decodeSpan(span).spanId).toBe(spanId(1));
    expect(decode({ resourceLogs: [], hello: true })).toEqual([]);
  });

  test("keeps known attributes only, and no content", () => {
    const span = decodeSpan(jsonSpan(1, {
      "gen_ai.input.messages": "secret",
      "gen_ai.output.messages": "secret",
      "gen_ai.tool.call.arguments": "secret",
      "gen_ai.prompt.0.content": "secret",
      "ai.prompt": "secret",
      "traceloop.entity.input": "secret",
      "gen_ai.tool.name": "search",
    }));
    expect([...span.attributes.keys()]).toEqual(["gen_ai.tool.name"]);
    expect(JSON.stringify([...span.attributes])).not.toContain("secret");
  });

  test("keeps the first of attributes with the same name", () => {
    const both = [
      { key: "gen_ai.tool.name", value: { stringValue: "first" } },
      { key: "gen_ai.tool.name", value: { stringValue: "second" } },
    ];
    const { attributes } = decodeSpan(jsonSpan(1, {}, { attributes: both }));
    expect(attributes.get("gen_ai.tool.name")).toBe("first");
  });

  test("removes characters that Postgres cannot store", () => {
    const span = decodeSpan(jsonSpan(1, { "gen_ai.tool.name": "a\0b\ud800c" }));
    expect(span.attributes.get("gen_ai.tool.name")).toBe("ab\ufffdc");
  });

  test.each([
    ["is left out", undefined],
    ["is empty", ""],
    ["is zero", "0000000000000000"],
    ["is null", null],
  ])("reads a span as a root when its parent %s", (_, parentSpanId) => {
    const span = decodeSpan({ ...jsonSpan(1, {}), parentSpanId });
    expect(span.parentSpanId).toBeNull();
  });

  test("reads ids case-insensitively", () => {
    const upper = jsonSpan(0xabcdef, {}, { traceId: TRACE_ID.toUpperCase() });
    upper.spanId = spanId(0xabcdef).toUpperCase();
    const span = decodeSpan(upper);
    expect(span.traceId).toBe(TRACE_ID);
    expect(span.spanId).toBe("0000000000abcdef");
  });

  test.each([
    ["left out", undefined],
    ["empty", ""],
    ["zero", "0".repeat(16)],
    ["too short", "abc123"],
    ["too long", "0".repeat(15) + "11"],
    ["not hexadecimal", "xyz0000000000001"],
    ["base64", "7uGbfsPBsXQ="],
    ["an array", [238, 225, 155, 126, 195, 193, 177, 116]],
    ["a Buffer", { type: "Buffer", data: [1, 2, 3, 4, 5, 6, 7, 8] }],
    ["a number", 1234567890123456],
  ])("rejects only the span whose span id is %s", (_, id) => {
    const decoded = decode(jsonExport([
      { ...jsonSpan(1, {}), spanId: id },
      jsonSpan(2, {}),
    ]));
    expect(decoded[0]).toEqual({
      rejection: {
        spanId: null,
        reason:
          "spanId is not an id: send 16 hexadecimal digits (8 bytes in protobuf), not all zero",
      },
    });
    expect(decoded[1]).toMatchObject({ span: { spanId: spanId(2) } });
  });

  test.each(["traceId", "parentSpanId"])(
    "rejects a span with a malformed %s",
    (name) => {
      expect(decodeOne({ ...jsonSpan(1, {}), [name]: "abc" })).toMatchObject({
        rejection: {
          spanId: spanId(1),
          reason: expect.stringContaining(`${name} is not an id`),
        },
      });
    },
  );

  test("rejects a span whose attributes are an object", () => {
    const reason = expect.stringContaining(
      "The attributes of the span are not a list",
    );
    expect(decodeOne({ ...jsonSpan(1, {}), attributes: { a: 1 } }))
      .toEqual({ rejection: { spanId: spanId(1), reason } });
  });

  test("rejects the spans of a resource whose attributes are an object", () => {
    const value = jsonExport([jsonSpan(1, {})]);
    value.resourceSpans[0].resource = { attributes: {} as unknown[] };
    const reason = expect.stringContaining(
      "The attributes of the resource are not a list",
    );
    expect(decode(value)).toEqual([{
      rejection: { spanId: spanId(1), reason },
    }]);
  });

  test("rejects a value that is not a span", () => {
    expect(decodeOne(5)).toMatchObject({ rejection: { spanId: null } });
  });

  test.each([
    ["not JSON", new TextEncoder().encode('{"resourceSpans":[')],
    ["not UTF-8", new Uint8Array([0x22, 0xff, 0x22])],
    ["a list", toBytes([])],
    ["null", toBytes(null)],
    ["resourceSpans that are no list", toBytes({ resourceSpans: {} })],
    ["a resource that is no object", toBytes({ resourceSpans: [1] })],
    [
      "scopeSpans that are no list",
      toBytes({ resourceSpans: [{ scopeSpans: 1 }] }),
    ],
    [
      "spans that are no list",
      toBytes({ resourceSpans: [{ scopeSpans: [{ spans: {} }] }] }),
    ],
  ])("refuses %s", (_, bytes) => {
    expect(failure(bytes).status).toBe(400);
  });

  test("never repeats a refused body", () => {
    const { message } = failure(new TextEncoder().encode("{ hunter2"));
    expect(message).toBe("The body is not JSON");
  });

  test("does not crash on deep nesting", () => {
    const deep = "[".repeat(500_000) + "]".repeat(500_000);
    const bytes = new TextEncoder().encode(`{"unknown":${deep}}`);
    expect(decodeJson(bytes)).toEqual([]);
  });

  test("accepts the maximum of spans, and not one more", () => {
    const spans = Array.from(
      { length: MAX_SPANS },
      (_, index) => jsonSpan(index + 1, chat(1, 1)),
    );
    expect(decode(jsonExport(spans))).toHaveLength(MAX_SPANS);
    const { status } = failure(toBytes(jsonExport([...spans, {}])));
    expect(status).toBe(413);
  });
});
