import { toDecimalText } from "../decimal-text.ts";
import { ALIASES, findAttribute } from "./attribute-names.ts";
import type { Attributes } from "./span.ts";

/**
 * The cost in US dollars that a span carries, as a decimal string without
 * exponent: the digits that were sent as text, or the shortest that mean the same
 * double. Undefined when there is none, or a negative, infinite or unreadable
 * one.
 */
export function readReportedCost(attributes: Attributes): string | undefined {
  const value = findAttribute(attributes, ALIASES.cost)?.value;
  // Text may have an exponent, as senders write doubles.
  const text = toDecimalText(value) ??
    (typeof value === "string" ? toDecimalText(Number(value)) : null);
  return text === null || text.startsWith("-") ? undefined : text;
}
