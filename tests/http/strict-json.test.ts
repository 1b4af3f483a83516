import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  JsonSyntaxError,
  parseStrictJson,
} from "../../shared/http/strict-json.ts";

const faultsOf = (text: string) =>
  parseStrictJson(text).issues.map(({ path, code }) => ({ path, code }));

describe("parseStrictJson()", () => {
  test("returns the value of JSON.parse for any JSON text", () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 6 }),
        fc.constantFrom(0, 2),
        (json, indent) => {
          const text = JSON.stringify(JSON.parse(json), null, indent);
          if (text.includes('"__proto__"')) return;
          expect(parseStrictJson(text).value).toEqual(JSON.parse(text));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("refuses exactly the texts that JSON.parse refuses", () => {
    const pieces = fc.constantFrom(
      ...'{}[]:,"\\ \n\t-+.0123456789eEtrufalsn/\u0000\u00e9'.split(""),
      '"a"',
      "null",
      "true",
      "\\u00e9",
      "-0",
      "1.5e3",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join("");
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expect(() => parseStrictJson(text)).toThrow(JsonSyntaxError);
          return;
        }
        expect(parseStrictJson(text).value).toEqual(expected);
      }),
      { numRuns: 20_000 },
    );
  });

  test.each([
    ['{"a":1,}', "a key in double quotes"],
    ["[1,]", "a value"],
    ["{'a':1}", "a key in double quotes"],
    ["01", "the end of the text"],
    ["NaN", "a value"],
    ['"\n"', "the end of a string"],
    ['"\\x"', "a valid escape"],
    ['{"a"', "a colon"],
    ["", "a value"],
  ])("reports for %j that it expected %s", (text, wanted) => {
    expect(() => parseStrictJson(text)).toThrow(wanted);
  });

  test("reports a duplicate key with its path, even if it is escaped differently", () => {
    expect(faultsOf('[{"a":{"b":1,"\\u0062":2}}]')).toEqual([
      { path: [0, "a", "b"], code: "duplicate_key" },
    ]);
  });

  test("reports the key __proto__ and keeps it out of the value", () => {
    const { value, issues } = parseStrictJson('{"__proto__":{"firm_id":"x"}}');
    expect(issues[0].code).toBe("forbidden_key");
    expect((value as { firm_id?: string }).firm_id).toBeUndefined();
  });

  test.each([
    ["0.1", "123456789012345", "9007199254740991", "0.30000000000000004"],
    ["1e21", "100000000000000000000", "-0", "1.50e3", "0e99"],
  ].flat())("keeps the number %s without an issue", (text) => {
    expect(faultsOf(text)).toEqual([]);
  });

  test.each([
    ["0.1000000000000000000001", "12345678901234567890", "1e400", "1e-400"],
    ["0.12345678901234567890", "9007199254740993"],
  ].flat())(
    "reports the number %s, which a double does not hold exactly",
    (text) => {
      expect(faultsOf(text)).toEqual([{ path: [], code: "inexact_number" }]);
    },
  );

  test.each(['"\\u0000"', '"\\ud800"', '{"\\udc00":1}', '"a\\ud83dx"'])(
    "reports the text %s, which Postgres cannot store",
    (text) => expect(faultsOf(text)[0].code).toBe("invalid_text"),
  );

  test("keeps an escaped surrogate pair", () => {
    expect(parseStrictJson('"\\ud83d\\ude00"')).toEqual({
      value: "😀",
      issues: [],
    });
  });

  test("ends at the depth limit instead of overflowing the stack", () => {
    expect(() => parseStrictJson("[".repeat(2_000_000)))
      .toThrow("nested deeper than 64 levels");
    expect(() => parseStrictJson("[".repeat(64) + "]".repeat(64))).not
      .toThrow();
  });
});
