import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  MAX_ADD_CHECKPOINT_BYTES,
  MAX_BODY_BYTES,
  MAX_EVENTS,
  MAX_EXPORT_BYTES,
} from "../../shared/limits.ts";

/**
 * Bodies that cost a receiver as much as they can, each of at most the size that its
 * route reads. They are made when they are asked for, because together they are large.
 *
 * @module
 */

/** A body, and how it is sent. */
export type HostileBody = {
  /** The function's name. */
  slug: string;
  /** The path and query below `/`. */
  path: string;
  what: string;
  type: string;
  /** Whether `make` returns gzip. */
  gzip?: true;
  make(): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>;
};

const encoder = new TextEncoder();

/** As many repetitions as fit into a body, between two texts. */
function fill(
  start: string,
  part: string | ((n: number) => string),
  end: string,
  { max = MAX_BODY_BYTES, times = Infinity, join = "" } = {},
): Uint8Array<ArrayBuffer> {
  let left = max - encoder.encode(start + end).length;
  const parts: string[] = [];
  for (let n = 0; n < times; n++) {
    const text = typeof part === "string" ? part : part(n);
    // All parts of one body have about the same size.
    left -= (parts.length ? join.length : 0) +
      (text.length > 40 ? encoder.encode(text).length : bytesOf(text));
    if (left < 0) break;
    parts.push(text);
  }
  return encoder.encode(start + parts.join(join) + end);
}

/** The bytes of a short text in UTF-8. */
function bytesOf(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

const FIRM = "10000000-0000-4000-8000-000000000001";

/** A valid event of each log, without an id. */
const EVENTS: Record<string, Record<string, unknown>> = {
  audit: { firm_id: FIRM, action: "a", entity_type: "b" },
  "llm-usage": {
    firm_id: FIRM,
    model: "m",
    task_type: "extraction",
    input_tokens: 1,
    output_tokens: 1,
  },
  "tool-usage": { agent_id: FIRM, tool_id: FIRM },
  "model-usage": { reported_model_name: "m", reported_model_id: "m" },
};

/** Every member of an event of each log. */
const MEMBERS: Record<string, string[]> = {
  audit: [
    ["id", "firm_id", "user_id", "action", "entity_type", "entity_id"],
    ["metadata", "ip_address", "created_at"],
  ].flat(),
  "llm-usage": [
    ["id", "firm_id", "cma_project_id", "model", "task_type", "input_tokens"],
    ["output_tokens", "cost_usd", "latency_ms", "success", "error_message"],
    ["created_at", "provider", "api_flavor", "service_tier", "usage"],
    ["cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens"],
    ["reasoning_tokens", "reservation_id"],
  ].flat(),
  "tool-usage": [
    ["id", "agent_id", "venture_id", "tool_id", "tokens_consumed"],
    ["cost_usd", "execution_ms", "created_at"],
  ].flat(),
  "model-usage": [
    ["id", "session_id", "sd_id", "phase", "subagent_type"],
    ["subagent_configured_model", "reported_model_name", "reported_model_id"],
    ["config_matches_reported", "captured_at", "metadata"],
  ].flat(),
};

const json = JSON.stringify;

/** JSON that is hostile to any route that parses JSON. */
const ANY_JSON: Record<string, () => Uint8Array<ArrayBuffer>> = {
  "arrays as deep as it has bytes": () => fill("", "[", ""),
  "objects as deep as it has bytes": () => fill("", '{"a":', ""),
  "a million arrays of the greatest depth": () =>
    fill("[", "[".repeat(60) + "]".repeat(60), "]", { join: "," }),
  "one number of two million digits": () => fill('{"a":', "1", "}"),
  "numbers of twenty digits": () =>
    fill('{"a":[', "12345678901234567890", "]}", { join: "," }),
  "numbers of two thousand digits": () =>
    fill('{"a":[', "1234567890".repeat(200), "]}", { join: "," }),
  "numbers with large exponents": () =>
    fill('{"a":[', "1e999999999", "]}", { join: "," }),
  "a key of two million characters": () => fill('{"', "k", '":1}'),
  "two hundred thousand keys": () =>
    fill("{", (n) => `"${n.toString(36)}":1`, "}", { join: "," }),
  "a key given two hundred thousand times": () =>
    fill("{", '"a":1', "}", { join: "," }),
  "nested keys given twice": () =>
    fill("[", '{"a":1,"a":1}', "]", { join: ",", times: MAX_EVENTS }),
  "__proto__ two hundred thousand times": () =>
    fill("{", '"__proto__":1', "}", { join: "," }),
  "escapes of NUL": () => fill('{"a":"', "\\u0000", '"}'),
  "strings with lone surrogates": () =>
    fill('{"a":[', '"\\ud800"', "]}", { join: "," }),
  "escapes": () => fill('{"a":"', "\\n", '"}'),
  "colons in strings": () => fill('{"a":"', ':\\":', '"}'),
  "white space": () => fill("{", " ", "}"),
  "a string without an end": () => fill('{"a":"', "x", ""),
  "a million empty objects": () => fill("[", "{}", "]", { join: "," }),
  "not UTF-8": () => new Uint8Array(MAX_BODY_BYTES).fill(0xff),
  "one text of ligatures": () => fill('{"a":"', "\ufdfa", '"}'),
};

/** Batches of a log's events. */
function batchesOf(
  slug: string,
): Record<string, () => Uint8Array<ArrayBuffer>> {
  const wrong = (value: string) =>
    `{${MEMBERS[slug].map((name) => `"${name}":${value}`).join(",")}}`;
  const batch = (event: string) => () =>
    fill("[", event, "]", { join: ",", times: MAX_EVENTS });
  const withText = (member: string, text: string, length: number) => () => {
    const event = {
      ...EVENTS[slug],
      success: false,
      [member]: text.repeat(length),
    };
    if (member !== "error_message") {
      delete (event as { success?: unknown }).success;
    }
    return fill("[", json(event), "]", { join: ",", times: MAX_EVENTS });
  };
  const batches: Record<string, () => Uint8Array<ArrayBuffer>> = {
    "every member an object": batch(wrong("{}")),
    "every member a long text": batch(wrong(json("x".repeat(80)))),
    "every member negative": batch(wrong("-1")),
    "every member null": batch(wrong("null")),
    "unknown members": () =>
      fill(
        "[",
        (n) =>
          `{${
            Array.from({ length: 100 }, (_, i) => `"k${n}_${i}":1`).join(",")
          }}`,
        "]",
        {
          join: ",",
          times: MAX_EVENTS,
        },
      ),
    "duplicate keys": batch(`{${Array(150).fill('"a":1').join(",")}}`),
    "lines that are not JSON": () =>
      fill("", "{x\n", "", { times: MAX_EVENTS }),
    "two million lines": () => fill("", "\n", "x"),
  };
  if (slug === "audit" || slug === "model-usage") {
    for (const [what, metadata] of Object.entries(METADATA)) {
      batches[`metadata: ${what}`] = batch(
        json({ ...EVENTS[slug], metadata: metadata() }),
      );
    }
  }
  const members = MEMBERS[slug].filter((name) =>
    typeof EVENTS[slug][name] === "string" || name === "error_message"
  );
  for (const member of members) {
    for (const [what, text] of Object.entries(TEXTS)) {
      const length = member === "error_message" ? 16_000 : 120;
      batches[`${member}: ${what}`] = withText(
        member,
        text,
        Math.floor(length / text.length),
      );
    }
  }
  if (slug === "llm-usage") {
    batches["usage of the greatest size"] = batch(json({
      ...EVENTS[slug],
      input_tokens: undefined,
      output_tokens: undefined,
      provider: "openai",
      usage: Object.fromEntries(
        Array.from({ length: 120 }, (_, n) => [`k${n}`, { a: { b: n } }]),
      ),
    }));
  }
  return batches;
}

/** Metadata near its limits of size, keys, depth and characters. */
const METADATA: Record<string, () => unknown> = {
  "ligatures that normalize to eighteen characters": () =>
    strings(14, "\ufdfa1\u200b".repeat(85)),
  "ligatures alone": () => strings(10, "\ufdfa".repeat(256)),
  "more ligatures than a string may have": () => ({
    a: "\ufdfa".repeat(2_600),
  }),
  "digits in groups": () => strings(30, "1234 5678 ".repeat(25)),
  "parts of IBANs": () => strings(30, "DE89-".repeat(51)),
  "dates and numbers": () => strings(30, "001-01-DE89 ".repeat(21)),
  "combining marks": () => strings(14, "a\u0301\u0327\u0323".repeat(64)),
  "currency signs": () => strings(30, "$1,000 €2.000 ".repeat(18)),
  "key names": () =>
    Object.fromEntries(
      Array.from({ length: 64 }, (_, n) => [`total_amount_iban_${n}`, 1]),
    ),
  "mathematical digits": () => strings(14, "𝟒𝟏𝟏𝟏".repeat(32)),
};

function strings(count: number, text: string): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`k${n}`, text]),
  );
}

/** Texts that begin many secrets and complete none. */
const TEXTS: Record<string, string> = {
  "beginnings of keys": "sk-ant-",
  "beginnings of tokens": "eyJhbGciOi.",
  "names of secrets": "password=",
  "beginnings of PEM": "-----BEGIN PRIVATE KEY-----",
  "URLs with credentials": "https://a:b",
  "digits in groups": "4111 1111 ",
  "ligatures": "\ufdfa",
  "hexadecimal digits": "0a1b2c3d",
  "dots": ".",
  "spaces": "a ",
};

/** JSON that is hostile to a webhook, by its format. */
const WEBHOOKS: Record<string, Record<string, () => Uint8Array<ArrayBuffer>>> =
  {
    litellm: {
      "payloads with every pointer wrong": () =>
        fill(
          "[",
          '{"id":{},"model":{},"metadata":[],"response":[],"startTime":{},"endTime":{},"request_tags":{}}',
          "]",
          {
            join: ",",
            times: MAX_EVENTS,
          },
        ),
      "payloads with many tags": () =>
        fill(
          "[",
          json({
            id: "a",
            model: "m",
            request_tags: Array(100).fill("firm_id:x"),
          }),
          "]",
          {
            join: ",",
            times: MAX_EVENTS,
          },
        ),
      "payloads with long errors": () =>
        fill(
          "[",
          json({
            id: "a",
            model: "m",
            status: "failure",
            error_str: "sk-ant-".repeat(280),
            error_information: { error_message: "password=".repeat(10) },
          }),
          "]",
          {
            join: ",",
            times: MAX_EVENTS,
          },
        ),
      "a payload with a long error": () =>
        fill(
          '{"id":"a","model":"m","status":"failure","error_str":"',
          "sk-ant- ",
          '"}',
        ),
    },
    database: {
      "a row of two hundred thousand columns": () =>
        fill(
          '{"type":"UPDATE","schema":"public","table":"t","record":{',
          (n) => `"${n.toString(36)}":1`,
          '},"old_record":{}}',
          { join: "," },
        ),
      "a row of one long text": () =>
        fill(
          '{"type":"INSERT","schema":"public","table":"t","record":{"id":"',
          "\ufdfa",
          '"},"old_record":null}',
        ),
    },
    "standard/audit": {
      "data with metadata of ligatures": () =>
        encoder.encode(
          json({
            type: "x",
            data: {
              ...EVENTS.audit,
              metadata: strings(14, "\ufdfa1\u200b".repeat(85)),
            },
          }),
        ),
    },
    "cloudevents/audit": {
      "a batch with metadata of ligatures": () =>
        fill(
          "[",
          json({
            specversion: "1.0",
            id: "a",
            source: "b",
            type: "c",
            data: {
              ...EVENTS.audit,
              metadata: strings(14, "\ufdfa1\u200b".repeat(85)),
            },
          }),
          "]",
          {
            join: ",",
            times: MAX_EVENTS,
          },
        ),
    },
  };

const ID_16 = new Uint8Array(16).fill(1);
const ID_8 = new Uint8Array(8).fill(2);

/** A span of a model call, as a message of protobuf. */
function makeSpan(attributes: [string, string][]): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).bytes(ID_16);
  writer.tag(2, WireType.LengthDelimited).bytes(ID_8);
  writer.tag(7, WireType.Bit64).fixed64(1_800_000_000_000_000_000n);
  writer.tag(8, WireType.Bit64).fixed64(1_800_000_001_000_000_000n);
  for (const [key, value] of attributes) {
    writer.tag(9, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(key);
    writer.tag(2, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(value);
    writer.join().join();
  }
  return writer.finish();
}

/** An export whose one scope has as many of these spans as fit. */
function makeExport(
  span: Uint8Array,
  most = Infinity,
): Uint8Array<ArrayBuffer> {
  const wrapped = new BinaryWriter()
    .tag(2, WireType.LengthDelimited).bytes(span).finish();
  const count = Math.min(
    most,
    Math.floor((MAX_EXPORT_BYTES - 100) / wrapped.length),
  );
  const spans = new Uint8Array(count * wrapped.length);
  for (let n = 0; n < count; n++) spans.set(wrapped, n * wrapped.length);
  const scope = new BinaryWriter()
    .tag(2, WireType.LengthDelimited).bytes(spans).finish();
  const body = new BinaryWriter()
    .tag(1, WireType.LengthDelimited).bytes(scope).finish();
  return new Uint8Array(body);
}

const CALL: [string, string][] = [
  ["gen_ai.operation.name", "chat"],
  ["gen_ai.request.model", "m"],
  ["gen_ai.provider.name", "openai"],
];

const PROTOBUF: Record<string, () => Uint8Array<ArrayBuffer>> = {
  "two million empty spans": () => makeExport(new Uint8Array()),
  "ten thousand empty spans": () => makeExport(new Uint8Array(), 10_000),
  "ten thousand calls": () => makeExport(makeSpan(CALL), 10_000),
  "ten thousand calls with an invalid firm": () =>
    makeExport(
      makeSpan([...CALL, ["ledger.firm_id", "x".repeat(200)]]),
      10_000,
    ),
  "attributes without meaning": () =>
    makeExport(makeSpan(Array.from({ length: 100 }, () => ["k", "v"])), 10_000),
  "attributes that are kept, again and again": () =>
    makeExport(makeSpan(Array.from({ length: 10 }, () => CALL).flat()), 10_000),
  "one call with a long model": () =>
    makeExport(
      makeSpan([...CALL, [
        "gen_ai.response.model",
        "\ufdfa".repeat(1_300_000),
      ]]),
    ),
  "a million empty resources": () =>
    repeatBytes([0x0a, 0x00], MAX_EXPORT_BYTES),
  "groups that never end": () => repeatBytes([0x0b], MAX_EXPORT_BYTES),
  "groups in groups": () =>
    new Uint8Array(MAX_EXPORT_BYTES).fill(0x0b).fill(
      0x0c,
      MAX_EXPORT_BYTES / 2,
    ),
  "a length beyond the end": () =>
    new Uint8Array([0x0a, 0xff, 0xff, 0xff, 0xff, 0x07]),
  "varints without an end": () => repeatBytes([0xff], MAX_EXPORT_BYTES),
};

function repeatBytes(
  bytes: number[],
  length: number,
): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(length - length % bytes.length);
  for (let at = 0; at < result.length; at++) {
    result[at] = bytes[at % bytes.length];
  }
  return result;
}

const spansIn = (span: string, end: string, times = Infinity) => () =>
  fill('{"resourceSpans":[{"scopeSpans":[{"spans":[', span, `]}]}]}${end}`, {
    join: ",",
    max: MAX_EXPORT_BYTES,
    times,
  });
const attribute = (key: string, value: string) => ({
  key,
  value: { stringValue: value },
});
const jsonSpan = (attributes: unknown[]) =>
  json({
    traceId: "01".repeat(16),
    spanId: "02".repeat(8),
    startTimeUnixNano: "1800000000000000000",
    endTimeUnixNano: "1800000001000000000",
    attributes,
  });

const OTLP_JSON: Record<string, () => Uint8Array<ArrayBuffer>> = {
  "a million empty spans": spansIn("{}", ""),
  "ten thousand empty spans": spansIn("{}", "", 10_000),
  "ten thousand spans that are no objects": spansIn("[]", "", 10_000),
  "ten thousand calls": spansIn(
    jsonSpan(CALL.map(([key, value]) => attribute(key, value))),
    "",
    10_000,
  ),
  "attributes of many digits": spansIn(
    jsonSpan([{
      key: "gen_ai.usage.input_tokens",
      value: { intValue: "1".repeat(1_000) },
    }]),
    "",
    10_000,
  ),
  "times of many digits": spansIn(
    `{"startTimeUnixNano":"${"9".repeat(20)}"}`,
    "",
    10_000,
  ),
  "a million resources": () =>
    fill('{"resourceSpans":[', "{}", "]}", {
      join: ",",
      max: MAX_EXPORT_BYTES,
    }),
  "values as deep as it has bytes": () =>
    fill('{"resourceSpans":', "[", "", { max: MAX_EXPORT_BYTES }),
};

/** Gzip of `count` MiB of spaces: a bomb of a thousandth of its size. */
async function makeBomb(count: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunk = new Uint8Array(2 ** 20).fill(0x20);
  let left = count;
  const spaces = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (left-- > 0) controller.enqueue(chunk);
      else controller.close();
    },
  });
  const zipped = spaces.pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(zipped).arrayBuffer());
}

const WITNESS_SIZE = { max: MAX_ADD_CHECKPOINT_BYTES };
const JSON_TYPE = "application/json";

function bodiesOf(
  slug: string,
  path: string,
  bodies: Record<string, () => Uint8Array<ArrayBuffer>>,
  type = JSON_TYPE,
): HostileBody[] {
  return Object.entries(bodies).map(([what, make]) => ({
    slug,
    path,
    what,
    // Lines are the only bodies that are not JSON as a whole.
    type: /\blines\b/.test(what) ? "application/x-ndjson" : type,
    make,
  }));
}

/** Routes that parse JSON: the function, and the path. */
const JSON_ROUTES: [string, string][] = [
  ["audit", "audit"],
  ["llm-usage", "llm-usage"],
  ["llm-usage", "llm-usage/budget"],
  ["llm-usage", "llm-usage/reserve"],
  ["llm-usage", "llm-usage/ratings"],
  ["llm-usage", "llm-usage/prices"],
  ["tool-usage", "tool-usage"],
  ["model-usage", "model-usage"],
  ["webhooks", "webhooks/litellm"],
  ["webhooks", "webhooks/portkey"],
  ["webhooks", "webhooks/database"],
  ["webhooks", "webhooks/auth"],
  ["webhooks", "webhooks/standard/audit"],
  ["webhooks", "webhooks/cloudevents/audit"],
  ["otlp", "otlp/v1/traces"],
];

/** Requests for a witness's cosignature, which anyone may send. */
const WITNESS: Record<string, () => Uint8Array<ArrayBuffer>> = {
  "twenty thousand hashes": () =>
    fill("old 1\n", `${btoa("x".repeat(32))}\n`, "\n", WITNESS_SIZE),
  "signatures": () =>
    fill(
      `old 0\n\nexample.com/log\n1\n${btoa("x".repeat(32))}\n\n`,
      `\u2014 a ${btoa("x".repeat(8))}\n`,
      "",
      WITNESS_SIZE,
    ),
  "a line without an end": () => fill("old 1\n", "x", "", WITNESS_SIZE),
  "line breaks": () => fill("old 1\n", "\n", "", WITNESS_SIZE),
  "one long text": () => fill("", "\ufdfa", ""),
};

/** The whole corpus. */
export const HOSTILE_BODIES: HostileBody[] = [
  ...JSON_ROUTES.flatMap(([slug, path]) => [
    ...bodiesOf(
      slug,
      path,
      ANY_JSON,
      path.includes("cloudevents") ? "application/cloudevents+json" : JSON_TYPE,
    ),
    {
      slug,
      path,
      what: "a gzip bomb of a gibibyte",
      type: JSON_TYPE,
      gzip: true as const,
      make: () => makeBomb(1_024),
    },
  ]),
  ...Object.keys(EVENTS).flatMap((slug) =>
    bodiesOf(slug, slug, batchesOf(slug))
  ),
  ...Object.entries(WEBHOOKS).flatMap(([format, bodies]) =>
    bodiesOf(
      "webhooks",
      `webhooks/${format}`,
      bodies,
      format.startsWith("cloudevents")
        ? "application/cloudevents-batch+json"
        : JSON_TYPE,
    )
  ),
  ...bodiesOf("ledger", "ledger/add-checkpoint", WITNESS, "text/plain"),
  ...bodiesOf("otlp", "otlp/v1/traces", OTLP_JSON),
  ...bodiesOf("otlp", "otlp/v1/traces", PROTOBUF, "application/x-protobuf"),
];
