import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeProtobuf } from "../../shared/otlp/decode-protobuf.ts";
import { MAX_SPANS } from "../../shared/limits.ts";
import { readTraces } from "../../shared/otlp/receive-traces.ts";
import { decodeError, URL_SETTINGS } from "../support/otlp-exports.ts";

type Write = (writer: BinaryWriter) => void;

/** A field that is a message. */
function message(field: number, ...fields: Write[]): Write {
  return (writer) => {
    writer.tag(field, WireType.LengthDelimited).fork();
    for (const write of fields) write(writer);
    writer.join();
  };
}

const text = (field: number, value: string): Write => (writer) =>
  writer.tag(field, WireType.LengthDelimited).string(value);
const data = (field: number, value: Uint8Array): Write => (writer) =>
  writer.tag(field, WireType.LengthDelimited).bytes(value);
const integer = (field: number, value: number): Write => (writer) =>
  writer.tag(field, WireType.Varint).int64(value);
const attribute = (field: number, key: string, value: Write): Write =>
  message(field, text(1, key), message(2, value));

const TRACE = data(1, new Uint8Array(16).fill(0xab));
const SPAN = data(2, new Uint8Array(8).fill(0xcd));

/** An export of one resource and scope, `span` being the fields of its spans. */
function encode(...spans: Write[][]): Uint8Array {
  const writer = new BinaryWriter();
  message(1, message(2, ...spans.map((span) => message(2, ...span))))(writer);
  return writer.finish();
}

function encodeFields(...fields: Write[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const write of fields) write(writer);
  return writer.finish();
}

function decodeSpan(...fields: Write[]) {
  const [one] = decodeProtobuf(encode([TRACE, SPAN, ...fields]));
  if (!("span" in one)) throw new Error(one.rejection.reason);
  return one.span;
}

const failure = (bytes: Uint8Array) => decodeError(decodeProtobuf, bytes);

describe("decodeProtobuf()", () => {
  test("reads no bytes, and messages without spans, as no spans", () => {
    expect(decodeProtobuf(new Uint8Array())).toEqual([]);
    expect(decodeProtobuf(encodeFields(message(1)))).toEqual([]);
    expect(decodeProtobuf(encode())).toEqual([]);
  });

  test("reads a resource and a scope after their spans", () => {
    const bytes = encodeFields(message(
      1,
      message(2, message(2, TRACE, SPAN), message(1, text(1, "ai"))),
      message(1, attribute(1, "ledger.firm_id", text(1, "f"))),
    ));
    expect(decodeProtobuf(bytes)).toMatchObject([{
      span: { scope: "ai", resource: new Map([["ledger.firm_id", "f"]]) },
    }]);
  });

  test("reads the value of an attribute before its key", () => {
    const span = decodeSpan(
      message(9, message(2, text(1, "search")), text(1, "gen_ai.tool.name")),
    );
    expect(span.attributes).toEqual(new Map([["gen_ai.tool.name", "search"]]));
  });

  test("keeps known attributes only, and no content", () => {
    const span = decodeSpan(
      attribute(9, "gen_ai.input.messages", text(1, "secret")),
      attribute(9, "gen_ai.tool.call.result", message(6)),
      attribute(9, "gen_ai.tool.name", text(1, "search")),
      message(11, text(2, "secret")),
    );
    expect([...span.attributes]).toEqual([["gen_ai.tool.name", "search"]]);
  });

  test("skips unknown fields, groups included", () => {
    const group: Write = (writer) => {
      writer.tag(99, WireType.StartGroup);
      integer(1, 5)(writer);
      writer.tag(99, WireType.EndGroup);
    };
    const span = decodeSpan(
      group,
      integer(98, -1),
      text(97, "x"),
      text(5, "n"),
    );
    expect(span.name).toBe("n");
  });

  test("reads bytes that are not UTF-8 as replacement characters", () => {
    const value = data(1, new Uint8Array([0x61, 0xff]));
    const { attributes } = decodeSpan(attribute(9, "gen_ai.tool.name", value));
    expect(attributes.get("gen_ai.tool.name")).toBe("a\ufffd");
  });

  test("ignores an attribute without a value", () => {
    const span = decodeSpan(
      message(9, text(1, "gen_ai.tool.name")),
      message(9, text(1, "gen_ai.agent.name"), message(2)),
    );
    expect(span.attributes.size).toBe(0);
  });

  test.each([
    ["left out", []],
    ["empty", [data(2, new Uint8Array())]],
    ["zero", [data(2, new Uint8Array(8))]],
    ["too short", [data(2, new Uint8Array(7).fill(1))]],
    ["too long", [data(2, new Uint8Array(9).fill(1))]],
    ["a megabyte long", [data(2, new Uint8Array(1_000_000).fill(1))]],
  ])("rejects only the span whose span id is %s", (_, id) => {
    const decoded = decodeProtobuf(encode([TRACE, ...id], [TRACE, SPAN]));
    expect(decoded).toMatchObject([
      {
        rejection: {
          spanId: null,
          reason: expect.stringContaining("spanId is not an id"),
        },
      },
      { span: { spanId: "cd".repeat(8) } },
    ]);
  });

  test("refuses log records", () => {
    const time: Write = (writer) =>
      writer.tag(1, WireType.Bit64).fixed64(1_755_820_800_000_000_000n);
    const { message } = failure(encode([time, integer(2, 9), text(3, "INFO")]));
    expect(message).toContain("not an ExportTraceServiceRequest");
  });

  test.each([
    ["a varint without end", [0xff, 0xff, 0xff]],
    ["a varint of eleven bytes", [0x08, ...new Array(11).fill(0x80), 0]],
    ["a length beyond the end", [0x0a, 0x7f, 0x00]],
    ["a length of four gigabytes", [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ["an inner length beyond the outer", [0x0a, 0x02, 0x12, 0x02, 0x1a, 0x00]],
    ["field number 0", [0x02, 0x00]],
    ["wire type 6", [0x0e, 0x00]],
    ["the end of a group that never began", [0x0c]],
    ["a group without end", [0x1b, 0x08, 0x01]],
    ["a group that ends as another", [0x1b, 0x24]],
    ["a number for resourceSpans", [0x08, 0x01]],
    ["text", [...new TextEncoder().encode('{"resourceSpans":[]}')]],
  ])("refuses %s", (_, bytes) => {
    expect(failure(new Uint8Array(bytes)).status).toBe(400);
  });

  test("refuses deeply nested groups", () => {
    expect(failure(new Uint8Array(1_000_000).fill(0x1b)).status).toBe(400);
  });

  test.each([
    ["traceId", integer(1, 1)],
    ["name", integer(5, 1)],
    ["kind", text(6, "3")],
    ["startTimeUnixNano", integer(7, 1)],
    ["attributes", integer(9, 1)],
    ["status", integer(15, 1)],
    ["flags", integer(16, 1)],
    ["an integer", attribute(9, "gen_ai.tool.name", text(3, "1"))],
    ["a double", attribute(9, "gen_ai.tool.name", text(4, "1"))],
    ["a boolean", attribute(9, "gen_ai.tool.name", text(2, "1"))],
  ])("refuses another wire type for %s", (_, field) => {
    expect(failure(encode([TRACE, SPAN, field])).status).toBe(400);
  });

  test("accepts the maximum of spans, and not one more", () => {
    const spans = Array.from({ length: MAX_SPANS }, () => [TRACE, SPAN]);
    expect(decodeProtobuf(encode(...spans))).toHaveLength(MAX_SPANS);
    expect(failure(encode(...spans, [])).status).toBe(413);
  });

  test("refuses a body of too many empty spans", () => {
    const empty = new Uint8Array(2_000_000);
    for (let i = 0; i < empty.length; i += 2) empty[i] = 0x12;
    const bytes = encodeFields(message(1, data(2, empty)));
    expect(failure(bytes).status).toBe(413);
  });
});

describe("readTraces() of protobuf", () => {
  const isReading = (result: object) =>
    "modelCalls" in result !== "fault" in result;

  test("never fails on random bytes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        async (bytes) => isReading(await readTraces(bytes, "protobuf")),
      ),
      { numRuns: 2_000 },
    );
  });

  test("never fails on an export with bytes changed, removed or added", async () => {
    const good = encode([
      TRACE,
      SPAN,
      text(5, "chat"),
      integer(6, 3),
      attribute(9, "gen_ai.operation.name", text(1, "chat")),
      attribute(9, "gen_ai.usage.input_tokens", integer(3, 12)),
      attribute(
        9,
        "gen_ai.response.finish_reasons",
        message(5, message(1, text(1, "stop"))),
      ),
      message(15, text(2, "no"), integer(3, 2)),
    ]);
    expect(decodeProtobuf(good)).toHaveLength(1);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(good.length),
        fc.nat(4),
        fc.uint8Array({ maxLength: 4 }),
        async (at, removed, added) => {
          const bytes = new Uint8Array([
            ...good.subarray(0, at),
            ...added,
            ...good.subarray(at + removed),
          ]);
          return isReading(await readTraces(bytes, "protobuf", URL_SETTINGS));
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
