import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  MAX_AUDIT_METADATA_BYTES,
  MAX_AUDIT_METADATA_DEPTH,
  MAX_AUDIT_METADATA_ISSUES,
  MAX_AUDIT_METADATA_KEY_LENGTH,
  MAX_AUDIT_METADATA_KEYS,
  MAX_AUDIT_METADATA_STRING_LENGTH,
} from "../../shared/limits.ts";
import { checkAuditMetadata } from "../../shared/redaction/audit-metadata.ts";
import { findFinancialData } from "../../shared/redaction/financial.ts";
import { findSecret } from "../../shared/redaction/secrets.ts";

const CARD = "4111 1111 1111 1111";

/** Code and path of every issue, in order. */
function faultsOf(value: unknown): [string, (string | number)[]][] {
  return checkAuditMetadata(value).map(({ code, path }) => [code, path]);
}

function object(
  size: number,
  entry: (index: number) => [string, unknown],
): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: size }, (_, i) => entry(i)));
}

function nest(levels: number): unknown {
  let value: unknown = {};
  for (let level = 1; level < levels; level++) value = { inner: value };
  return value;
}

describe("metadata of references and counts", () => {
  test.each([
    [{}],
    [{ file_id: "550e8400-e29b-41d4-a716-446655440000", file_count: 3 }],
    [{ document_ids: ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "a-7"], ok: true }],
    [{
      sha256:
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    }],
    [{ model: "gpt-4.1", input_tokens: 1200, retried: null }],
    [{ at: "2026-11-21T10:30:00.000Z", epoch_ms: 1795257000000 }],
    [{ payment_id: "pay_29QQoUBi66xm2f", account_id: 42, price_count: 0 }],
    [{ export: "cma_20261121103045.xlsx", pages: "1-12", quarter: "Q3 2026" }],
    [{ a: { b: { c: [] } } }],
    [{ note: "बैलेंस शीट अपलोड की गई", emoji: "📎" }],
    [{ least: -9007199254740991, most: 9007199254740991, zero: -0 }],
    [Object.create(null)],
  ])("%j is accepted", (metadata) => {
    expect(checkAuditMetadata(metadata)).toEqual([]);
  });

  test("may skip the rules for short words and UUIDs, because they never match one", () => {
    const word = fc.string({
      unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz_"),
      minLength: 1,
      maxLength: 15,
    });
    const beginning = fc.constantFrom("sk_", "sb_secret_", "eur", "ghp_", "pk");
    const begun = fc.tuple(beginning, word).map((parts) =>
      parts.join("").slice(0, 15)
    );
    fc.assert(
      fc.property(fc.oneof(word, begun, fc.uuid()), (text) => {
        expect([findFinancialData(text), findSecret(text)])
          .toEqual([null, null]);
      }),
      { numRuns: 5_000 },
    );
  });

  test("is accepted for any ids, hashes, times and counts", () => {
    const reference = fc.oneof(
      fc.uuid(),
      fc.ulid(),
      fc.string({
        unit: fc.constantFrom(..."0123456789abcdef"),
        minLength: 64,
        maxLength: 64,
      }),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      fc.integer({ min: -99_999_999_999, max: 99_999_999_999 }),
      fc.boolean(),
      fc.constant(null),
    );
    const key = fc.constantFrom(
      "file_id",
      "documentIds",
      "row_count",
      "sha256",
      "created",
      "name",
      "flag",
    );
    const metadata = fc.dictionary(
      key,
      fc.oneof(
        reference,
        fc.array(reference, { maxLength: 5 }),
        fc.dictionary(key, reference, { maxKeys: 5 }),
      ),
    );
    fc.assert(
      fc.property(metadata, (value) => {
        expect(checkAuditMetadata(value)).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("the type of metadata", () => {
  test.each([
    ["null", null],
    ["an array", []],
    ["a string", "{}"],
    ["a number", 1],
    ["undefined", undefined],
    ["a Date", new Date(0)],
    ["a Map", new Map()],
    ["a function", () => ({})],
  ])("must not be %s", (_name, value) => {
    expect(faultsOf(value)).toEqual([["invalid_type", []]]);
  });

  test.each([
    ["undefined", undefined],
    ["a bigint", 1n],
    ["a symbol", Symbol("x")],
    ["a function", () => 1],
    ["a Date", new Date(0)],
    ["a Map", new Map()],
    ["a class instance", new (class Point {})()],
  ])("of a leaf must not be %s", (_name, value) => {
    expect(faultsOf({ a: [value] })).toEqual([["invalid_type", ["a", 0]]]);
  });

  test.each([0.5, -1.25, 1e-7, NaN, Infinity, 2 ** 53, -(2 ** 53), 1e21])(
    "of a number must be an exact integer, unlike %d",
    (number) => {
      expect(faultsOf({ a: number })).toEqual([["not_integer", ["a"]]]);
    },
  );
});

describe("the limits", () => {
  test("allow a string of 256 characters and not one of 257", () => {
    const longest = MAX_AUDIT_METADATA_STRING_LENGTH;
    for (const character of ["x", "é", "😀"]) {
      expect(faultsOf({ a: character.repeat(longest) })).toEqual([]);
      expect(faultsOf({ a: character.repeat(longest + 1) })).toEqual([
        ["too_long", ["a"]],
      ]);
    }
  });

  test("allow a key of 64 characters, and not one of 65, which issues do not repeat", () => {
    const longest = MAX_AUDIT_METADATA_KEY_LENGTH;
    for (const character of ["x", "é", "😀"]) {
      expect(faultsOf({ a: { [character.repeat(longest)]: 1 } })).toEqual([]);
      expect(faultsOf({ a: { [character.repeat(longest + 1)]: 1 } })).toEqual([
        ["key_too_long", ["a"]],
      ]);
    }
    expect(faultsOf({ "": 1 })).toEqual([["key_too_long", []]]);
  });

  test("allow 64 keys over all objects and not 65", () => {
    const half = MAX_AUDIT_METADATA_KEYS / 2;
    const keys = (size: number) =>
      object(size, (index) => [`k${index}`, index]);
    const nested = { ...keys(half - 1), list: [keys(half - 1), keys(1)] };
    expect(faultsOf(nested)).toEqual([]);
    nested.list.push(keys(1));
    expect(faultsOf(nested)).toEqual([["too_many_keys", []]]);
    expect(faultsOf(keys(MAX_AUDIT_METADATA_KEYS))).toEqual([]);
    expect(faultsOf(keys(MAX_AUDIT_METADATA_KEYS + 1))).toEqual([
      ["too_many_keys", []],
    ]);
  });

  test("allow four levels of objects and arrays and not five", () => {
    expect(faultsOf(nest(MAX_AUDIT_METADATA_DEPTH))).toEqual([]);
    expect(faultsOf(nest(MAX_AUDIT_METADATA_DEPTH + 1))).toEqual([
      ["too_deep", ["inner", "inner", "inner", "inner"]],
    ]);
    expect(faultsOf({ a: [[[1]]] })).toEqual([]);
    expect(faultsOf({ a: [[[1, []]]] })).toEqual([
      ["too_deep", ["a", 0, 0, 1]],
    ]);
  });

  test("count bytes exactly as JSON.stringify and UTF-8 do", () => {
    const leaf = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 20 }),
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constant(-0),
    );
    const content = fc.dictionary(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 10 }),
      fc.oneof(
        leaf,
        fc.array(leaf),
        fc.dictionary(fc.string({ minLength: 1 }), leaf),
      ),
      { maxKeys: 10 },
    );
    const bytesOf = (value: unknown) =>
      new TextEncoder().encode(JSON.stringify(value)).length;
    fc.assert(fc.property(content, fc.constantFrom(0, 1), (value, excess) => {
      const metadata: Record<string, unknown> = { value, fill: [] };
      const fill = metadata.fill as string[];
      let missing = MAX_AUDIT_METADATA_BYTES - bytesOf(metadata) + 1;
      // Each string of n letters adds n + 3 bytes.
      for (; missing > 203; missing -= 203) fill.push("x".repeat(200));
      if (missing < 3) fill.push(fill.pop()!.slice(3 - missing)), missing = 3;
      fill.push("x".repeat(missing - 3 + excess));
      expect(bytesOf(metadata)).toBe(MAX_AUDIT_METADATA_BYTES + excess);
      expect(
        checkAuditMetadata(metadata).some(({ code }) => code === "too_large"),
      )
        .toBe(excess === 1);
    }));
  });

  test("cap the list of issues, with those of the whole object first", () => {
    const issues = checkAuditMetadata(
      object(200, (index) => [`k${index}`, 0.5]),
    );
    expect(issues).toHaveLength(MAX_AUDIT_METADATA_ISSUES);
    expect(issues[0]).toMatchObject({ code: "too_many_keys", path: [] });
    expect(issues[1]).toMatchObject({ code: "not_integer", path: ["k0"] });
  });
});

describe("sensitive content of metadata", () => {
  test.each([
    ["$1,234.50", "an amount of money"],
    [CARD, "a payment card number"],
    ["DE89 3704 0044 0532 0130 00", "an IBAN"],
    ["ABCPE1234F", "an Indian PAN"],
    ["27AAPFU0939F1ZV", "an Indian GSTIN"],
    ["2341 2341 2346", "an Indian Aadhaar number"],
    ["078-05-1120", "a US Social Security number"],
  ])("«%s» is refused and named as %s", (value, name) => {
    expect(checkAuditMetadata({ a: [{ note: `see ${value}` }] })).toEqual([{
      path: ["a", 0, "note"],
      code: "financial_data",
      detail: `looks like ${name}; send references and counts only`,
    }]);
  });

  test("includes secrets", () => {
    expect(checkAuditMetadata({ note: "password=hunter2" })).toEqual([{
      path: ["note"],
      code: "secret",
      detail: "looks like a secret (password); send references and counts only",
    }]);
  });

  test("includes integers with the digits of a card or an Aadhaar number", () => {
    for (const number of [4111111111111111, -4111111111111111, 234123412346]) {
      expect(faultsOf({ n: [number] })).toEqual([["financial_data", ["n", 0]]]);
    }
    expect(faultsOf({ n: 4111111111111112 })).toEqual([]);
  });

  test("includes keys that name money, an account or a credential", () => {
    expect(faultsOf({ amount: 5, a: { apiKey: "x" }, list: [{ pan: null }] }))
      .toEqual([
        ["sensitive_key", ["amount"]],
        ["sensitive_key", ["a", "apiKey"]],
        ["sensitive_key", ["list", 0, "pan"]],
      ]);
  });

  test("includes values under keys that end like references", () => {
    expect(faultsOf({ card_id: CARD, iban_count: 1 })).toEqual([
      ["financial_data", ["card_id"]],
    ]);
  });

  test("includes keys with sensitive data, which issues do not repeat", () => {
    for (const key of [CARD, `card_${CARD}_id`, "USD 5", "password=hunter2"]) {
      const [[code, path]] = faultsOf({ a: { [key]: 1 } });
      expect(["financial_data", "secret"]).toContain(code);
      expect(path).toEqual(["a"]);
    }
    expect(faultsOf({ a: { [`n ${CARD}`]: { b: [0.5] } } })).toEqual([
      ["financial_data", ["a"]],
      ["not_integer", ["a"]],
    ]);
  });

  test("is reported completely in one answer", () => {
    expect(faultsOf({
      amount: "$5",
      long: "x".repeat(300) + " " + CARD,
      deep: [[[[]]]],
      half: 0.5,
      both: `${CARD} password=hunter2`,
    })).toEqual([
      ["sensitive_key", ["amount"]],
      ["financial_data", ["amount"]],
      ["too_long", ["long"]],
      ["too_deep", ["deep", 0, 0, 0]],
      ["not_integer", ["half"]],
      ["financial_data", ["both"]],
      ["secret", ["both"]],
    ]);
  });
});

describe("an issue", () => {
  const SENSITIVE = [
    CARD,
    "4111111111111111",
    "DE89370400440532013000",
    "ABCPE1234F",
    "27AAPFU0939F1ZV",
    "234123412346",
    "078-05-1120",
    "EUR 12.00",
    "₹ 12,00,000",
    "password=hunter2",
    "postgres://u:hunter2@h/db",
  ];

  test("never repeats a sensitive value, a sensitive key or a long key", () => {
    const hidden = fc.constantFrom(...SENSITIVE, "hunter2 ".repeat(40));
    const leaf = fc.oneof(hidden, fc.constantFrom("ok", 0.5, 4111111111111111));
    const key = fc.oneof(hidden, fc.constantFrom("amount", "a", "b_id"));
    const metadata = fc.dictionary(
      key,
      fc.oneof(
        leaf,
        fc.array(leaf),
        fc.dictionary(key, fc.oneof(leaf, fc.array(leaf))),
      ),
      { minKeys: 1 },
    );
    fc.assert(
      fc.property(metadata, (value) => {
        const reported = JSON.stringify(checkAuditMetadata(value));
        for (const text of [...SENSITIVE, "hunter2"]) {
          expect(reported).not.toContain(JSON.stringify(text).slice(1, -1));
        }
      }),
      { numRuns: 300 },
    );
  });

  test("has a path that leads to the value", () => {
    const value = { a: [{ b: 0.5 }, { c: { d: CARD } }] };
    for (const { path } of checkAuditMetadata(value)) {
      // deno-lint-ignore no-explicit-any
      const found = path.reduce((at: any, step) => at[step], value);
      expect([0.5, CARD]).toContain(found);
    }
    expect(checkAuditMetadata(value)).toHaveLength(2);
  });
});
