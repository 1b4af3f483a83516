import { ALIASES, findAttribute } from "./attribute-names.ts";
import type { Attributes } from "./span.ts";

/**
 * The cost in US dollars that a span carries, as a decimal string without
 * exponent: the shortest one that means the same double, or the digits that were
 * sent as text. Undefined when there is none, or a negative, infinite or
 * unreadable one.
 */
export function readReportedCost(attributes: Attributes): string | undefined {
  const value = findAttribute(attributes, ALIASES.cost)?.value;
  if (typeof value === "string" && /^\d{1,9}(\.\d{1,30})?$/.test(value)) {
    return value;
  }
  const number = typeof value === "string" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number) || number < 0) {
    return undefined;
  }
  return toPlainDecimal(number);
}

/** "1.25e-7" → "0.000000125": no arithmetic, the digits are only moved. */
function toPlainDecimal(number: number): string {
  const shortest = String(Math.abs(number));
  const parts = /^(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(shortest);
  if (parts === null) return shortest;
  const [, whole, fraction = "", exponent] = parts;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `0.${"0".repeat(-point)}${digits}`;
  return digits.padEnd(point, "0");
}
