import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJson, parseJsonFast } from "../../shared/http/json.ts";
import { parseStrictJson } from "../../shared/http/strict-json.ts";

/** Numbers as text, some of which a double does not hold exactly. */
const numbers = fc.oneof(
  fc.constantFrom(
    ..."0 -0 7 1.0 -3.250 1e5 1E400 1e-400 -1.5e+3 0e9 1e21".split(" "),
    ..."123456789012345 -123456789012345 1234567890123456".split(" "),
    ..."0.1234567890123 -0.1234567890123 0.12345678901234".split(" "),
    ..."9007199254740993 -9007199254740993 -1e400 1e23".split(" "),
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
);

const strings = fc.oneof(
  fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    ...[":", "a:", "__proto__", "1e5", ": 1e5", ",1234567890123456", "é", "😀"]
      .map((text) => `"${text}"`),
    ...[
      "\\u0000",
      "\\\\u0000",
      "\\ud800",
      "\\uDC00",
      "\\ud83d\\ude00",
      "\\uD83D\\uDE00",
    ]
      .map((text) => `"${text}"`),
    ...['\\"', '\\":', '\\"a\\":1', "\\u0022:", "\\/", "\\n", "\\u00e9"]
      .map((text) => `"${text}"`),
    // An unescaped lone surrogate, alone and beside an escape.
    '"\ud800"',
    '"\ud800\\n"',
  ),
);

/** Few keys, so that many objects have duplicates. */
const keys = fc.oneof(
  fc.constantFrom(
    ...["a", "b", "\\u0061", "__proto__", "\\u005f_proto__", "constructor"]
      .map((text) => `"${text}"`),
    ...["2", "1", "01", "-1", "", 'a\\":', ":", "\\ud800", "hasOwnProperty"]
      .map((text) => `"${text}"`),
  ),
  strings,
);

const spaces = fc.oneof(
  { weight: 8, arbitrary: fc.constant("") },
  fc.constantFrom(" ", "\n  ", "\t", "\r\n"),
);

const { value: texts } = fc.letrec<{ value: string; member: string }>(
  (tie) => ({
    member: fc.tuple(spaces, tie("value"), spaces).map((parts) =>
      parts.join("")
    ),
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom("true", "false", "null"),
      numbers,
      strings,
      fc.array(tie("member"), { maxLength: 4 }).map((all) => `[${all}]`),
      fc.array(
        fc.tuple(spaces, keys, spaces, tie("member"))
          .map(([before, key, after, member]) =>
            `${before}${key}${after}:${member}`
          ),
        { maxLength: 4 },
      ).map((all) => `{${all}}`),
    ),
  }),
);

/** The order of keys and -0 count, because later output depends on them. */
function expectSame(found: unknown, wanted: unknown) {
  expect(found).toEqual(wanted);
  expect(JSON.stringify(found)).toBe(JSON.stringify(wanted));
}

function expectNoDifference(text: string) {
  const plain = parseJsonFast(text);
  if (plain === undefined) return;
  const { value, issues } = parseStrictJson(text);
  expect(issues).toEqual([]);
  expectSame(plain, value);
}

describe("parseJsonFast()", () => {
  test("accepts no text in which the strict parser finds an issue, and reads others as it does", () => {
    fc.assert(fc.property(texts, expectNoDifference), { numRuns: 10_000 });
  });

  test("agrees with the strict parser about malformed JSON", () => {
    const pieces = fc.constantFrom(
      ...'{}[]:,"\\ \n-+.01eEu'.split(""),
      ...['"a"', '"a":', "null", "\\u0000", '"__proto__":', "1.5e3", "{}"],
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 10 }), (parts) => {
        expectNoDifference(`[${parts.join("")}]`);
      }),
      { numRuns: 10_000 },
    );
  });

  test.each(["[", '{"a":'])(
    "leaves text that is nested too deeply to the strict parser (%s)",
    (open) => {
      const nest = (levels: number) =>
        open.repeat(levels) + "1" + (open === "[" ? "]" : "}").repeat(levels);
      expect(parseJsonFast(nest(64))).toBeDefined();
      expect(parseJsonFast(nest(65))).toBeUndefined();
    },
  );

  test("accepts events as JavaScript and Python serialize them", () => {
    const events = [{
      id: "70000000-0000-4000-8000-000000000001",
      created_at: "2026-01-31T12:00:00.123456+00:00",
      error_message: 'it said: "no",\n and stopped é',
      metadata: { file_count: 3, ratio: -0.25, tags: ["a", null, true] },
      latency_ms: 2147483647,
    }];
    const written = JSON.stringify(events);
    const spaced = written.replaceAll('":', '": ').replaceAll(',"', ', "');
    const indented = JSON.stringify(events, null, 2);
    for (const text of [written, spaced, indented]) {
      expectSame(parseJsonFast(text), events);
    }
  });
});

test("parseJson() returns the value and the issues of the strict parser for any JSON text", () => {
  fc.assert(fc.property(texts, (text) => {
    expectSame(parseJson(text).value, parseStrictJson(text).value);
    expect(parseJson(text).issues).toEqual(parseStrictJson(text).issues);
  }));
});
