import { findCardNumbers } from "./card-numbers.ts";
import { hasCurrencyAmount } from "./currency.ts";
import { findIbans } from "./iban.ts";
import { findLabelledNumbers } from "./labelled-numbers.ts";
import {
  findAadhaars,
  findGstins,
  findPans,
  findSsns,
} from "./national-ids.ts";
import { maskIds, readText, type Span } from "./text.ts";

/** Kinds of numbers that identify a card, an account or a person. */
export type IdentifierKind =
  | "card_number"
  | "iban"
  | "pan"
  | "gstin"
  | "aadhaar"
  | "ssn"
  | "account_number"
  | "security_code";

/** Kinds of financial and identity data. */
export type FinancialKind = IdentifierKind | "currency_amount";

/** The digits that a text needs for a kind, the kind, and its search. */
type Check = readonly [
  digits: number,
  kind: IdentifierKind,
  find: (text: string) => Span[],
];

/** The most certain kinds first: an IBAN may contain a card number. */
const CHECKS: readonly Check[] = [
  [2, "iban", findIbans],
  [6, "gstin", findGstins],
  [4, "pan", findPans],
  [13, "card_number", findCardNumbers],
  [12, "aadhaar", findAadhaars],
  [9, "ssn", findSsns],
  [9, "ssn", (text) => findLabelledNumbers(text, "ssn")],
  [12, "aadhaar", (text) => findLabelledNumbers(text, "aadhaar")],
  [4, "pan", (text) => findLabelledNumbers(text, "pan")],
  [6, "account_number", (text) => findLabelledNumbers(text, "account_number")],
  [3, "security_code", (text) => findLabelledNumbers(text, "security_code")],
];

const LEAST_DIGITS = Math.min(...CHECKS.map(([digits]) => digits));

/**
 * The kind of the first financial data in `text`, or null. Digits of other scripts,
 * invisible characters, separators and touching letters do not hide a value; UUIDs and
 * hex hashes are never mistaken for one. Time is linear in the length of `text`.
 *
 * Not found: values spelled in words, encoded (base64), or split over several
 * strings.
 */
export function findFinancialData(text: string): FinancialKind | null {
  for (const { text: reading } of readText(text)) {
    const kind = findIdentifierKind(reading) ??
      (hasCurrencyAmount(maskIds(reading)) ? "currency_amount" : null);
    if (kind !== null) return kind;
  }
  return null;
}

/** The kind of the first number in `reading` that identifies a card, an account or a person, or null. */
export function findIdentifierKind(reading: string): IdentifierKind | null {
  const [first] = searchIdentifiers(reading);
  return first?.kind ?? null;
}

/**
 * The numbers in `reading` (of `readText`) that identify a card, an account or a person,
 * the most certain ones first. They can overlap.
 */
export function* searchIdentifiers(
  reading: string,
): Generator<Span & { kind: IdentifierKind }> {
  const digits = countDigits(reading);
  if (digits < LEAST_DIGITS) return;
  const values = maskIds(reading);
  for (const [least, kind, find] of CHECKS) {
    if (digits < least) continue;
    for (const span of find(values)) yield { ...span, kind };
  }
}

function countDigits(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 48 && code <= 57) count++;
  }
  return count;
}
