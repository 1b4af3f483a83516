import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isZero, toDecimalText } from "../../shared/pricing/decimals.ts";
import {
  findRelevantIssues,
  readPointer,
  toTimestamp,
} from "../../shared/webhooks/payload.ts";
import { deriveId, readUuid } from "../../shared/ingest/ids.ts";
import { parseExactJson, toCanonicalJson } from "../../shared/http/json.ts";
import { readUrlDefaults } from "../../shared/webhooks/adapter.ts";
import { LOGS } from "../../shared/logs/index.ts";

describe("decimal text", () => {
  test("is the same double without an exponent", () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        (number) => {
          const text = toDecimalText(number)!;
          expect(text).toMatch(/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/);
          expect(Number(text) === number).toBe(true);
          expect(isZero(text)).toBe(number === 0);
          const digits = (decimal: string) =>
            decimal.replace(/e.*|[-.]/g, "").replace(/^0+|0+$/g, "");
          expect(digits(text)).toBe(digits(String(number)));
        },
      ),
      { numRuns: 1000 },
    );
  });

  test.each([
    [1e21, "1000000000000000000000"],
    [1.5e22, "15000000000000000000000"],
    [1e-7, "0.0000001"],
    [-1.25e-9, "-0.00000000125"],
    ["007", null],
    ["1e3", null],
    ["1.", null],
    ["", null],
    [NaN, null],
    [null, null],
  ])("of %j is %j", (value, expected) => {
    expect(toDecimalText(value)).toBe(expected);
  });
});

describe("exact JSON", () => {
  test("is serialised as it was, except for white space", () => {
    const text = '{"b":1.10,"a":[12345678901234567890,-0,1E5],"__proto__":{}}';
    expect(JSON.stringify(parseExactJson(text))).toBe(text);
    expect(toCanonicalJson(parseExactJson(text))).toBe(
      '{"__proto__":{},"a":[12345678901234567890,-0,1E5],"b":1.10}',
    );
  });

  test("has one canonical text, whatever the order of keys", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const turned = Object.fromEntries(Object.entries(object).reverse());
        const [one, other] = [object, turned].map((value) =>
          toCanonicalJson(parseExactJson(JSON.stringify(value)))
        );
        expect(other).toBe(one);
        expect(JSON.parse(one)).toEqual(JSON.parse(JSON.stringify(object)));
      }),
    );
  });
});

describe("a timestamp", () => {
  test("from seconds equals Date's, to the microsecond", () => {
    const seconds = fc.integer({ min: 0, max: 4_000_000_000 });
    fc.assert(
      fc.property(seconds, fc.nat(999_999), (whole, micros) => {
        const fraction = String(micros).padStart(6, "0");
        const date = new Date(whole * 1_000).toISOString().slice(0, 19);
        expect(toTimestamp(Number(`${whole}.${fraction}`)))
          .toBe(`${date}.${fraction}Z`);
        expect(toTimestamp(`${date}.${fraction}`)).toBe(`${date}.${fraction}Z`);
      }),
    );
  });

  test.each(["", "2026-10-05", "12:00", "2026-10-05T8:00:00", null, NaN, -1])(
    "is not %j",
    (value) => expect(toTimestamp(value)).toBeNull(),
  );
});

describe("a derived id", () => {
  test("is unique per list of parts", async () => {
    const ids = await Promise.all([
      deriveId("a", "b"),
      deriveId("a", "b", ""),
      deriveId("a,b"),
      deriveId('a","b'),
      deriveId("a\nb"),
    ]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(await deriveId("a", "b")).toBe(ids[0]);
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab]/);
  });

  test("is stable over releases", async () => {
    expect(await deriveId("litellm", "chatcmpl-1")).toBe(
      "da9dffcd-e8c5-568d-8551-85fecff8a8a7",
    );
  });

  test.each(["", "x", 7, null, "00000000-0000-0000-0000-000000000000"])(
    "is not %j",
    (value) => expect(readUuid(value)).toBeNull(),
  );
});

describe("a payload", () => {
  test("has only own members", () => {
    const payload = { a: { b: [1, { c: 2 }] }, text: "x" };
    expect(readPointer(payload, "/a/b/1/c")).toBe(2);
    for (
      const pointer of ["/toString", "/a/constructor", "/text/length", "/x/y"]
    ) expect(readPointer(payload, pointer)).toBeUndefined();
  });

  test("has the issues of the members that are read", () => {
    const at = (pointer: string, code = "x") => ({ pointer, code, detail: "" });
    const issues = [
      at("/a"),
      at("/a/b"),
      at("/a/b/c"),
      at("/ab"),
      at("/z"),
      at("", "forbidden_key"),
      at("", "invalid_json"),
    ];
    const relevant = findRelevantIssues(issues, ["/a/b"]);
    expect(relevant.map(({ pointer }) => pointer))
      .toEqual(["/a", "/a/b", "/a/b/c", ""]);
  });
});

test("URL defaults are columns of the log", () => {
  for (const { columns, urlDefaults } of LOGS) {
    for (const name of urlDefaults) expect(columns).toContain(name);
  }
  const query = new URLSearchParams("phase=EXEC&firm_id=ignored");
  expect(readUrlDefaults(query, "model-usage")).toEqual({ phase: "EXEC" });
});
