import * as fc from "fast-check";
import { expect, test } from "vitest";
import { multiply, shiftPoint } from "../../../scripts/prices/decimals.ts";
import { toDecimal } from "../../../scripts/prices/price-columns.ts";

test.each([
  [0, "0"],
  [3, "3"],
  [0.3, "0.3"],
  [0.003625, "0.003625"],
  [12.5, "12.5"],
  [1_000_000, "1000000"],
  [0.18000000000000002, "0.18"],
  [0.08333333333333334, "0.083333333"],
  [0.9999999996, "1"],
  [99.9999999995, "100"],
  [0.0000000005, "0.000000001"],
  [4.9e-10, "0"],
  [1e-7, "0.0000001"],
  [1.25e-7, "0.000000125"],
  [1e21, "1000000000000000000000"],
])("the price %d is the decimal %s", (price, decimal) => {
  expect(toDecimal(price)).toBe(decimal);
});

test.each([NaN, Infinity, -1])("%d is refused as a price", (price) => {
  expect(() => toDecimal(price)).toThrow("Expected a price");
});

test("a price with nine decimals is converted exactly", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 1e14 }), (billionths) => {
    expect(toDecimal(billionths / 1e9)).toBe(
      String(BigInt(billionths) * 10n ** 9n)
        .padStart(19, "0").replace(/^0*(\d+?)(\d{18})$/, "$1.$2")
        .replace(/\.?0+$/, "") || "0",
    );
  }));
});

test.each([
  ["10", 3, "10000"],
  ["2.5", 3, "2500"],
  ["0.0025", 3, "2.5"],
  ["0", 3, "0"],
  ["12", -3, "0.012"],
  ["14.5", -3, "0.0145"],
  ["0.000000001", -3, "0.000000000001"],
  ["1000", -3, "1"],
  ["0.5", 0, "0.5"],
])("%s with its point moved by %d is %s", (decimal, places, moved) => {
  expect(shiftPoint(decimal, places)).toBe(moved);
});

test.each([
  ["2.5", "0.5", "1.25"],
  ["0.15", "1.1", "0.165"],
  ["5", "6.6", "33"],
  ["0", "2", "0"],
])("%s times %s is %s", (one, other, product) => {
  expect(multiply(one, other)).toBe(product);
});
