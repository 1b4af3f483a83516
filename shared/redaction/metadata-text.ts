import { type FinancialKind, findFinancialData } from "./financial.ts";
import { findSecret } from "./secrets.ts";
import { readText } from "./text.ts";

const WANTED = "audit metadata holds references and counts only";

const FINANCIAL_NAMES: Readonly<Record<FinancialKind, string>> = {
  currency_amount: "an amount of money",
  card_number: "a payment card number",
  iban: "an IBAN",
  pan: "an Indian PAN",
  gstin: "an Indian GSTIN",
  aadhaar: "an Indian Aadhaar number",
  ssn: "a US Social Security number",
};

/**
 * A short word, and a UUID: what most values are, and in the form of nothing that is
 * looked for.
 */
const HARMLESS =
  /^(?:[a-z_]{1,15}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/**
 * The issues of the content of a string, a key or the digits of an integer, one
 * for financial data and one for a secret. `prefix` starts the sentence:
 * `a key here ` or nothing.
 */
export function findContentIssues(
  text: string,
  prefix = "",
): Omit<MetadataIssue, "path">[] {
  if (HARMLESS.test(text)) return [];
  const inspected = text.slice(0, MAX_INSPECTED_BYTES);
  const issues: Omit<MetadataIssue, "path">[] = [];
  const financial = findFinancialData(inspected);
  if (financial) {
    issues.push({
      code: "financial_data",
      detail: `${prefix}looks like ${FINANCIAL_NAMES[financial]}; ${WANTED}`,
    });
  }
  const secret = findHiddenSecret(inspected);
  if (secret) {
    issues.push({
      code: "secret",
      detail: `${prefix}looks like a secret (${
        secret.replaceAll("_", " ")
      }); ${WANTED}`,
    });
  }
  return issues;
}

/** Whether `text` has more than `limit` characters (code points). */
export function isLongerThan(text: string, limit: number): boolean {
  // A code point takes at most two of the units that `length` counts.
  return text.length > 2 * limit ||
    (text.length > limit && Array.from(text).length > limit);
}

/** What JSON writes as it is, one byte for each character. */
const UNESCAPED_ASCII = /^[ !#-[\]-~]*$/;

/** The bytes that `text` takes as a JSON string; at least its length when it is longer than any limit. */
export function countJsonBytes(text: string): number {
  if (text.length > MAX_INSPECTED_BYTES) return text.length;
  return UNESCAPED_ASCII.test(text)
    ? text.length + '""'.length
    : new TextEncoder().encode(JSON.stringify(text)).length;
}

/** Searches the plain readings, because invisible characters and fullwidth letters must not hide a secret. */
function findHiddenSecret(text: string) {
  for (const reading of readText(text)) {
    const kind = findSecret(reading);
    if (kind) return kind;
  }
  return null;
}

/** Most that metadata may take as JSON, in bytes of UTF-8. */
export const MAX_AUDIT_METADATA_BYTES = 8 * 1024;

/** Most levels of objects and arrays, the metadata object itself included. */
export const MAX_AUDIT_METADATA_DEPTH = 4;

/** Most keys, counted over all objects. */
export const MAX_AUDIT_METADATA_KEYS = 64;

/** Most characters (code points) of a key. */
export const MAX_AUDIT_METADATA_KEY_LENGTH = 64;

/** Most characters (code points) of a string. */
export const MAX_AUDIT_METADATA_STRING_LENGTH = 256;

/** Most issues that are reported at once. */
export const MAX_AUDIT_METADATA_ISSUES = 100;

/**
 * How much of a value is looked at, in bytes of JSON. Of anything near the size
 * limit that is all, so that every issue is named at once; the rest of a value
 * that is far too large is not worth the work.
 */
export const MAX_INSPECTED_BYTES = 4 * MAX_AUDIT_METADATA_BYTES;

/** What is wrong, for a program. */
export type MetadataIssueCode =
  | "invalid_type"
  | "too_large"
  | "too_deep"
  | "too_many_keys"
  | "key_too_long"
  | "too_long"
  | "not_integer"
  | "sensitive_key"
  | "financial_data"
  | "secret";

/** One thing that is wrong with a metadata object. */
export interface MetadataIssue {
  /**
   * Keys and indices from the metadata object down. A key that must not be
   * repeated, because it is too long or holds sensitive data, is left out with
   * everything below it: the path ends at the object that has it.
   */
  path: (string | number)[];
  code: MetadataIssueCode;
  /** What is wrong and what is wanted. Never holds a key or a value. */
  detail: string;
}
