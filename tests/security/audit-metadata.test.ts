import { describe, expect, test } from "vitest";
import { MAX_AUDIT_METADATA_ISSUES } from "../../shared/limits.ts";
import { checkAuditMetadata } from "../../shared/redaction/audit-metadata.ts";

const CARD = "4111111111111111";

function codesOf(value: unknown): string[] {
  return checkAuditMetadata(value).map(({ code }) => code);
}

describe("a card number in disguise is refused", () => {
  test.each(Object.entries({
    "in fullwidth digits": "４１１１１１１１１１１１１１１１",
    "in Devanagari digits": "४१११११११११११११११",
    "in mathematical digits": "𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏",
    "in circled digits": "④①①①①①①①①①①①①①①①",
    "in superscript digits": "⁴¹¹¹¹¹¹¹¹¹¹¹¹¹¹¹",
    "with zero-width joiners": [...CARD].join("\u200d"),
    "with zero-width spaces": [...CARD].join("\u200b"),
    "with word joiners": [...CARD].join("\u2060"),
    "with byte order marks": [...CARD].join("\ufeff"),
    "with soft hyphens": [...CARD].join("\u00ad"),
    "with variation selectors": [...CARD].join("\ufe0f"),
    "with direction marks": [...CARD].join("\u202e"),
    "with control characters": [...CARD].join("\u0001"),
    "as keycap emoji": [...CARD].map((digit) => digit + "\ufe0f\u20e3").join(
      "",
    ),
    "struck through": [...CARD].map((digit) => digit + "\u0336").join(""),
    "with an invisible character after a word": `card\u200b${CARD}`,
    "with thin spaces": "4111\u20091111\u20091111\u20091111",
    "with unusual dashes": "4111\u20121111\u20141111\ufe631111",
    "between UUIDs": `${crypto.randomUUID()} ${CARD} ${crypto.randomUUID()}`,
    "as two, joined like a long id": "4111-1111-1111-1111-4111-1111-1111-1111",
    "in a file name": `statement_${CARD}.pdf`,
    "in JSON": JSON.stringify({ number: CARD }),
  }))("%s", (_how, text) => {
    expect(codesOf({ note: text })).toEqual(["financial_data"]);
  });

  test("under a key that ends in _id, _ids or _count", () => {
    for (const key of ["card_id", "card_ids", "card_count", "cardId", "x_id"]) {
      expect(codesOf({ [key]: CARD }), key).toEqual(["financial_data"]);
      expect(codesOf({ [key]: Number(CARD) }), key).toEqual(["financial_data"]);
      expect(codesOf({ [key]: [[CARD]] }), key).toEqual(["financial_data"]);
    }
  });

  test("as a key, also with a reference ending and also of an empty object", () => {
    for (
      const key of [
        CARD,
        `${CARD}_id`,
        `x_${CARD}_count`,
        "４１１１ １１１１ １１１１ １１１１",
      ]
    ) {
      expect(checkAuditMetadata({ [key]: {} }), key).toEqual([
        expect.objectContaining({ code: "financial_data", path: [] }),
      ]);
    }
  });
});

describe("other disguises are refused", () => {
  test.each(Object.entries({
    "an amount in fullwidth characters": "＄１，２３４．５０",
    "an amount with a hidden joiner": "EU\u200dR 12.00",
    "an amount in Arabic digits": "١٬٢٣٤٫٥٠ €",
    "an IBAN with hidden spaces": [..."DE89370400440532013000"].join("\u200b"),
    "a PAN in fullwidth letters": "ＡＢＣＰＥ１２３４Ｆ",
    "an SSN with unusual hyphens": "078\u201005\u20101120",
  }))("%s", (_what, text) => {
    expect(codesOf({ note: text })).toEqual(["financial_data"]);
  });

  test.each([
    ["a password with a fullwidth sign", "password＝hunter2"],
    ["a password with a hidden character", "pass\u200bword=hunter2"],
    ["a key after a hidden character", "x\u200bsk-" + "ant-api03-aB3dE6gH9jK2"],
    ["a key with hidden characters", "sk-" + "ant\u200d-api03-aB3dE6gH9jK2"],
  ])("%s", (_what, text) => {
    expect(codesOf({ note: text })).toEqual(["secret"]);
  });

  test.each([
    "ａｍｏｕｎｔ",
    "am\u200bount",
    "AMOUNT",
    "a_amount",
    "amount\u0000",
  ])("the key «%s»", (key) => {
    expect(codesOf({ [key]: 1 })).toContain("sensitive_key");
  });
});

describe("a known limit", () => {
  test("is a card number split over several leaves, which passes", () => {
    expect(codesOf({ a: "4111", b: { c: "1111", d: ["1111", "1111"] } }))
      .toEqual([]);
  });

  test("is a value that is encoded or spelled in words, which passes", () => {
    expect(codesOf({ a: btoa(CARD), b: `7a${CARD}a7`, c: "five dollars" }))
      .toEqual([]);
  });
});

describe("names with a meaning in JavaScript", () => {
  test("are keys like any other", () => {
    const metadata = JSON.parse(
      `{"__proto__": {"amount": 1, "x": "${CARD}"}, "constructor": {"prototype": {"iban": 0.5}}, "toString": 1, "hasOwnProperty": 2}`,
    );
    expect(checkAuditMetadata(metadata)).toEqual([
      expect.objectContaining({
        code: "sensitive_key",
        path: ["__proto__", "amount"],
      }),
      expect.objectContaining({
        code: "financial_data",
        path: ["__proto__", "x"],
      }),
      expect.objectContaining({
        code: "sensitive_key",
        path: ["constructor", "prototype", "iban"],
      }),
      expect.objectContaining({
        code: "not_integer",
        path: ["constructor", "prototype", "iban"],
      }),
    ]);
    expect(({} as Record<string, unknown>).amount).toBeUndefined();
  });

  test("are counted", () => {
    const keys = Array.from({ length: 64 }, (_, index) => `"k${index}":1`);
    expect(codesOf(JSON.parse(`{${keys.join()}}`))).toEqual([]);
    expect(codesOf(JSON.parse(`{"__proto__":1,${keys.join()}}`))).toEqual([
      "too_many_keys",
    ]);
  });

  test("are not looked up on a prototype", () => {
    const inherited = Object.create({ amount: CARD });
    expect(codesOf(inherited)).toEqual(["invalid_type"]);
    expect(codesOf({ a: inherited })).toEqual(["invalid_type"]);
  });
});

describe("metadata made to exhaust the server is refused", () => {
  test("10,000 levels of objects", () => {
    const text = '{"a":'.repeat(10_000) + "1" + "}".repeat(10_000);
    expect(checkAuditMetadata(JSON.parse(text))).toEqual([
      expect.objectContaining({ code: "too_deep", path: ["a", "a", "a", "a"] }),
    ]);
  });

  test("10,000 levels of arrays", () => {
    const text = `{"a":${"[".repeat(10_000)}${"]".repeat(10_000)}}`;
    expect(codesOf(JSON.parse(text))).toEqual(["too_deep"]);
  });

  test("an object that contains itself", () => {
    const loop: Record<string, unknown> = {};
    loop.a = loop;
    loop.b = [loop];
    expect(new Set(codesOf(loop))).toEqual(new Set(["too_deep"]));
  });

  test("100,000 keys", () => {
    const metadata = Object.fromEntries(
      Array.from({ length: 100_000 }, (_, index) => [`k${index}`, index]),
    );
    expect(codesOf(metadata)).toEqual(["too_large", "too_many_keys"]);
  });

  test("100,000 keys, of which one among the first has a fault", () => {
    const metadata = Object.fromEntries(
      Array.from({ length: 100_000 }, (_, index) => [`k${index}`, index]),
    );
    metadata.k99 = 0.5;
    expect(codesOf(metadata)).toEqual([
      "too_large",
      "too_many_keys",
      "not_integer",
    ]);
  });

  test("a million elements, of which only the first are read", () => {
    let reads = 0;
    const list = new Proxy(new Array(1_000_000).fill(0.5), {
      get(target, name, receiver) {
        if (typeof name === "string" && /^\d+$/.test(name)) reads++;
        return Reflect.get(target, name, receiver);
      },
    });
    const codes = codesOf({ list });
    expect(codes).toHaveLength(MAX_AUDIT_METADATA_ISSUES);
    expect(codes[0]).toBe("too_large");
    expect(reads).toBeLessThan(20_000);
  });

  test("an array that claims four thousand million elements", () => {
    const list: unknown[] = [];
    list.length = 2 ** 32 - 1;
    expect(codesOf({ list })).toContain("invalid_type");
  });

  test("a string of eight million characters, which is not searched", () => {
    expect(codesOf({ note: `${CARD} ${"x".repeat(8_000_000)}` })).toEqual([
      "too_large",
      "too_long",
    ]);
  });

  test("a key and a string that NFKC makes 18 times as long, which are not searched", () => {
    const long = "\ufdfa".repeat(256);
    expect(codesOf({ note: `${long.slice(4)} $5` })).toEqual(["too_long"]);
    expect(codesOf({ [`${long.slice(0, 58)} $5`]: 1 })).toEqual([
      "key_too_long",
    ]);
    // Fewer of them are searched.
    expect(codesOf({ note: `${long.slice(0, 50)} $5` })).toEqual([
      "financial_data",
    ]);
  });

  test("a key of a million characters, which is not repeated", () => {
    const faults = checkAuditMetadata({ ["k".repeat(1_000_000)]: 1 });
    expect(faults.map(({ code, path }) => [code, path])).toEqual([
      ["too_large", []],
      ["key_too_long", []],
    ]);
    expect(JSON.stringify(faults).length).toBeLessThan(1_000);
  });

  test.each([
    ["a", "1", "1 ", "1-", "1.", "$", "$ ", " ", "-", "EUR ", "DE89 "],
    ["DE89", "4111 ", "4111-", "078-05-", "ABCPE", "eyJaaaa-", "a."],
    ["://a:", "password", "password=\\", "-----BEGIN PRIVATE KEY"],
    ["bearer ", "\u200b", "１", "१", "\ufdfa", "1\u0336", "sk-"],
    ["0123456789abcdef-"],
  ].flat())("32,000 characters of «%s», which are not searched", (unit) => {
    const text = unit.repeat(Math.floor(32_000 / unit.length));
    expect(codesOf({ note: `${CARD} # ${text}` }))
      .toEqual(["too_large", "too_long"]);
  });
});
