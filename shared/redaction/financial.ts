import { findCardNumbers } from "./card-numbers.ts";
import { hasCurrencyAmount } from "./currency.ts";
import { findIbans } from "./iban.ts";
import { searchLabelledNumbers } from "./labelled-numbers.ts";
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
];

const CURRENCY_SYMBOL = /\p{Sc}/u;

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
    const digits = countDigits(reading);
    if (digits === 0) continue;
    const values = maskIds(reading);
    // An amount next to a symbol is certain, and found much faster than the absence of
    // every identifier.
    const hasSymbol = CURRENCY_SYMBOL.test(values);
    if (hasSymbol && hasCurrencyAmount(values)) return "currency_amount";
    for (const { kind } of search(values, digits)) return kind;
    if (!hasSymbol && hasCurrencyAmount(values)) return "currency_amount";
  }
  return null;
}

/** The kind of the first number in `text` that identifies a card, an account or a person, or null. */
export function findIdentifier(text: string): IdentifierKind | null {
  for (const { text: reading } of readText(text)) {
    for (const { kind } of searchIdentifiers(reading)) return kind;
  }
  return null;
}

/** A number that identifies a card, an account or a person. */
export type Identifier = Span & { kind: IdentifierKind };

/** The identifiers in `reading` (of `readText`), the most certain ones first. They can overlap. */
export function searchIdentifiers(reading: string): Iterable<Identifier> {
  const digits = countDigits(reading);
  return digits === 0 ? [] : search(maskIds(reading), digits);
}

function* search(values: string, digits: number): Generator<Identifier> {
  for (const [least, kind, find] of CHECKS) {
    if (digits < least) continue;
    for (const span of find(values)) yield { ...span, kind };
  }
  yield* searchLabelledNumbers(values);
}

function countDigits(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 48 && code <= 57) count++;
  }
  return count;
}
