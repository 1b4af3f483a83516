import { hasCardNumber } from "./card-numbers.ts";
import { hasCurrencyAmount } from "./currency-amounts.ts";
import { hasIban } from "./iban.ts";
import { hasAadhaar, hasGstin, hasPan } from "./indian-identifiers.ts";
import { removeUuids } from "./opaque-ids.ts";
import { readText } from "./text-readings.ts";
import { hasSsn } from "./us-ssn.ts";

/** What kind of financial or identity value was found. */
export type FinancialKind =
  | "currency_amount"
  | "card_number"
  | "iban"
  | "pan"
  | "gstin"
  | "aadhaar"
  | "ssn";

/** Every kind has a digit, and most texts have none. */
const ANY_DIGIT = /[0-9]/;

/** In order of how sure the recognition is: an IBAN may contain what looks like a card number. */
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
 * The kind of financial data that `text` holds, or null. Fullwidth and foreign
 * digits, invisible characters and unusual spaces and dashes do not hide a
 * value; UUIDs and hex hashes are never taken for one. Time is linear in the
 * length of `text`.
 *
 * Not found: values spelled in words, encoded (base64), or split over several
 * strings.
 */
export function findFinancialData(text: string): FinancialKind | null {
  for (const reading of readText(text)) {
    if (!ANY_DIGIT.test(reading)) continue;
    const values = removeUuids(reading);
    const found = CHECKS.find(([, isIn]) => isIn(values));
    if (found) return found[0];
  }
  return null;
}
