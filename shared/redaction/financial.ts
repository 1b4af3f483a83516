import { hasCurrencyAmount } from "./currency.ts";
import { hasIban } from "./iban.ts";
import { hasAadhaar, hasGstin, hasPan, hasSsn } from "./national-ids.ts";
import { isTimestamp, readText, removeUuids } from "./text.ts";

/** Kinds of financial and identity data. */
export type FinancialKind =
  | "currency_amount"
  | "card_number"
  | "iban"
  | "pan"
  | "gstin"
  | "aadhaar"
  | "ssn";

/** A quick filter: every kind has a digit, and most texts have none. */
const ANY_DIGIT = /[0-9]/;

/** The most certain kinds first: an IBAN may contain a card number. */
const CHECKS: readonly (readonly [FinancialKind, (text: string) => boolean])[] =
  [
    ["iban", hasIban],
    ["gstin", hasGstin],
    ["pan", hasPan],
    ["card_number", hasCardNumber],
    ["aadhaar", hasAadhaar],
    ["ssn", hasSsn],
    ["currency_amount", hasCurrencyAmount],
  ];

/**
 * The kind of the first financial data in `text`, or null. Fullwidth and foreign digits,
 * invisible characters and unusual spaces and dashes do not hide a value; UUIDs and hex
 * hashes are never mistaken for one. Time is linear in the length of `text`.
 *
 * Not found: values spelled in words, encoded (base64), or split over several
 * strings.
 */
export function findFinancialData(text: string): FinancialKind | null {
  for (const reading of readText(text)) {
    if (!ANY_DIGIT.test(reading)) continue;
    const values = removeUuids(reading);
    const found = CHECKS.find(([, has]) => has(values));
    if (found) return found[0];
  }
  return null;
}

/** The shortest payment card number in use. */
const MIN_CARD_DIGITS = 13;

/** The longest primary account number that ISO/IEC 7812-1 allows. */
const MAX_CARD_DIGITS = 19;

/**
 * No card scheme issues numbers that start with 0 or 1 (ISO/IEC 7812: other
 * assignment, airlines), and 1 is how the present time starts in epoch
 * milliseconds, microseconds and nanoseconds.
 */
const ISSUED_FIRST_DIGIT = /^[2-9]/;

/** Groupings of digits on cards: whole, Visa and others, Amex, Diners, old Visa. */
const PRINTED_GROUPS = /^(?:1[3-9]|4,4,4,4(?:,[1-3])?|4,6,[45]|4,4,4,1)$/;

/** The most groups of a printed grouping. */
const MAX_PRINTED_GROUPS = 5;

const ALPHANUMERIC_RUN = /[\p{L}\p{N}]+/gu;
const DIGITS_ONLY = /^[0-9]+$/;
const SEPARATOR = /^[ -]$/;

/**
 * Whether `text` (a reading of `readText`) has a payment card number: 13–19 digits that
 * start with 2–9, with a valid Luhn digit (ISO/IEC 7812-1 annex B), optional single
 * spaces or hyphens between them, and not part of a longer alphanumeric run.
 *
 * Next to other numbers (`4111 1111 1111 1111 12 26`) only the groupings printed on
 * cards count, or every long list of counts would have a card number.
 *
 * One random number in ten has a valid Luhn digit, so a decimal id of 13–19 digits can
 * be a false positive; such ids should be sent in hex.
 */
function hasCardNumber(text: string): boolean {
  return findDigitChains(text).some((chain) =>
    isCardNumber(chain) || hasPrintedCardNumber(chain)
  );
}

/** Whether `digits` have a valid Luhn check digit (ISO/IEC 7812-1 annex B). */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let place = 0; place < digits.length; place++) {
    const digit = Number(digits[digits.length - 1 - place]);
    const doubled = digit * 2;
    sum += place % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** Chains of groups of digits, one space or hyphen apart. */
function findDigitChains(text: string): string[][] {
  const chains: string[][] = [];
  let chain: string[] | undefined;
  let end = 0;
  let previous = "";
  for (const { 0: run, index } of text.matchAll(ALPHANUMERIC_RUN)) {
    const gap = text.slice(end, index);
    if (!DIGITS_ONLY.test(run) || (gap === "." && previous === "0")) {
      // The digits after `0.` are a fraction, such as a score, not an id.
      chain = undefined;
    } else if (chain && SEPARATOR.test(gap)) {
      chain.push(run);
    } else {
      chain = [run];
      chains.push(chain);
    }
    end = index + run.length;
    previous = run;
  }
  return chains;
}

function hasPrintedCardNumber(chain: string[]): boolean {
  return chain.some((_, start) => {
    for (let size = 1; size <= MAX_PRINTED_GROUPS; size++) {
      const groups = chain.slice(start, start + size);
      const lengths = groups.map((group) => group.length).join();
      if (PRINTED_GROUPS.test(lengths) && isCardNumber(groups)) return true;
    }
    return false;
  });
}

function isCardNumber(groups: string[]): boolean {
  if (groups.length > MAX_CARD_DIGITS) return false;
  const digits = groups.join("");
  return digits.length >= MIN_CARD_DIGITS && digits.length <= MAX_CARD_DIGITS &&
    ISSUED_FIRST_DIGIT.test(digits) && passesLuhn(digits) &&
    !isTimestamp(digits);
}
