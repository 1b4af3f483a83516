import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { integer, money, text, timestamp } from "../../shared/logs/fields.ts";
import { addDecimals } from "../../shared/pricing/decimals.ts";
import { isSameModel } from "../../shared/logs/model-usage-log.ts";

const fits =
  (schema: { safeParse(value: unknown): { success: boolean } }) =>
  (value: unknown) => schema.safeParse(value).success;

describe("money()", () => {
  const schema = money({ negative: true });

  test("keeps every decimal of numeric(10,6) as written", () => {
    fc.assert(fc.property(
      fc.integer({ min: 0, max: 9999 }),
      fc.stringMatching(/^\d{1,6}$/),
      fc.boolean(),
      (whole, fraction, minus) => {
        const value = `${minus ? "-" : ""}${whole}.${fraction}`;
        expect(schema.parse(value)).toBe(value);
      },
    ));
  });

  test("converts a number to the decimal that it prints as, or refuses it", () => {
    fc.assert(fc.property(fc.double(), (value) => {
      const printed = String(value);
      const exact = /^-?\d{1,4}(\.\d{1,6})?$/.test(printed);
      expect(fits(schema)(value)).toBe(exact);
      if (exact) expect(schema.parse(value)).toBe(printed);
    }));
  });

  test.each([
    "",
    " 1",
    "1 ",
    "+1",
    ".5",
    "5.",
    "01",
    "1e3",
    "0x1",
    "1_0",
    "١",
    "--1",
    "NaN",
    null,
    {},
    [1],
  ])("refuses %j", (value) => expect(fits(schema)(value)).toBe(false));

  test("refuses negative money unless it is allowed", () => {
    expect(fits(money({ negative: false }))("-0.1")).toBe(false);
  });
});

describe("timestamp()", () => {
  test.each([
    ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z"],
    ["2026-01-31T12:00:00.1234567Z", "2026-01-31T12:00:00.123456Z"],
    ["2026-01-31T12:00:00.5+05:30", "2026-01-31T06:30:00.500000Z"],
    ["2026-01-01T00:30:00.000001+01:00", "2025-12-31T23:30:00.000001Z"],
  ])(
    "reads %s as %s",
    (value, wanted) => expect(timestamp().parse(value)).toBe(wanted),
  );

  test("allows five minutes of clock skew and no more", () => {
    const inMinutes = (minutes: number) =>
      new Date(Date.now() + minutes * 60_000).toISOString();
    expect(fits(timestamp())(inMinutes(4.9))).toBe(true);
    expect(fits(timestamp())(inMinutes(5.1))).toBe(false);
  });

  test.each([
    ["2026-13-01T00:00:00Z", "2026-01-31T24:00:00Z"],
    ["2026-01-31 12:00:00Z", "1969-12-31T23:59:59Z", "now", 0],
  ].flat())(
    "refuses %j",
    (value) => expect(fits(timestamp())(value)).toBe(false),
  );
});

test("integer() and text() enforce their bounds", () => {
  expect([0, 2147483647].every(fits(integer(0)))).toBe(true);
  expect([-1, 2147483648, 0.5, NaN, "1"].some(fits(integer(0)))).toBe(false);
  expect(["a", "é😀", " a "].every(fits(text(5)))).toBe(true);
  expect(["", "  ", "abcdef", 1].some(fits(text(5)))).toBe(false);
});

describe("isSameModel()", () => {
  test.each([
    ["gpt-4o", "GPT-4o "],
    ["gpt-4o", "gpt-4o-2024-08-06"],
    ["claude-sonnet-4-5@20250929", "claude-sonnet-4-5"],
    ["claude-3-5-haiku-latest", "claude-3-5-haiku"],
  ])("%j and %j name the same model", (first, second) => {
    expect(isSameModel(first, second)).toBe(true);
    expect(isSameModel(second, first)).toBe(true);
  });

  test.each([
    ["gpt-4o", "gpt-4o-mini"],
    ["gpt-4o-2024-05-13", "gpt-4o-2024-08-06"],
    ["claude-sonnet-4", "claude-sonnet-4-5"],
    ["model-1234", "model"],
  ])("%j and %j name different models", (first, second) => {
    expect(isSameModel(first, second)).toBe(false);
    expect(isSameModel(second, first)).toBe(false);
  });
});

test("decimals add up exactly", () => {
  expect(addDecimals("0.1", "0.2")).toBe("0.3");
  expect(addDecimals("0.000225", "0.0045")).toBe("0.004725");
  expect(addDecimals("9.95", "0.05")).toBe("10");
  expect(addDecimals("0", "0.00")).toBe("0");
  expect(addDecimals("1", "0.000000000000000000001")).toBe(
    "1.000000000000000000001",
  );
});
