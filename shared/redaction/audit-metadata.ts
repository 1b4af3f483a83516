import {
  MAX_AUDIT_METADATA_BYTES,
  MAX_AUDIT_METADATA_DEPTH,
  MAX_AUDIT_METADATA_ISSUES,
  MAX_AUDIT_METADATA_KEY_LENGTH,
  MAX_AUDIT_METADATA_KEYS,
  MAX_AUDIT_METADATA_STRING_LENGTH,
} from "../limits.ts";
import { type FinancialKind, findFinancialData } from "./financial.ts";
import { isSensitiveKey } from "./key-names.ts";
import { findSecret, type SecretKind } from "./secrets.ts";
import { isLongNormalized, readText } from "./text.ts";

/** Stable codes of the issues of audit metadata. */
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

/** One issue of a metadata object. */
export interface MetadataIssue {
  /**
   * Keys and indexes from the metadata object down. The path ends above a key that
   * must not be repeated, because it is too long or holds sensitive data.
   */
  path: (string | number)[];
  code: MetadataIssueCode;
  /** The fact, then the remedy. Never holds a key or a value. */
  detail: string;
}

/**
 * Bytes of JSON to inspect: all of a value near the size limit, so that every issue
 * is listed at once, but not the rest of one that is far too large.
 */
const MAX_INSPECTED_BYTES = 4 * MAX_AUDIT_METADATA_BYTES;

/** The state of one inspection. */
interface Inspection {
  bytes: number;
  keys: number;
  readonly issues: MetadataIssue[];
}

/** A value's path, which does not grow below a hidden key. */
interface Location {
  readonly path: readonly (string | number)[];
  readonly isHidden: boolean;
}

const ROOT: Location = { path: [], isHidden: false };

/**
 * The issues of the metadata of an audit event, none when it is acceptable: a plain
 * object of references and counts within the limits `MAX_AUDIT_METADATA_*`, whose
 * leaves are strings, safe integers, booleans and null. Strings, integers and keys
 * must not look like financial data (`findFinancialData`) or secrets
 * (`findSecret`), and keys must not name money, accounts or credentials
 * (`isSensitiveKey`).
 *
 * All issues are returned at once, those of the whole object first, at most
 * `MAX_AUDIT_METADATA_ISSUES`. Values below `MAX_AUDIT_METADATA_DEPTH` or after
 * `MAX_INSPECTED_BYTES` are not inspected, because the object is rejected anyway.
 *
 * This catches mistakes, not data that is hidden on purpose, such as a number split
 * over several leaves.
 */
export function checkAuditMetadata(value: unknown): MetadataIssue[] {
  const inspection: Inspection = { bytes: 0, keys: 0, issues: [] };
  if (isPlainObject(value)) {
    inspectObject(inspection, value, ROOT, 1);
  } else {
    addIssue(inspection, ROOT, "invalid_type", "is not a JSON object");
  }
  return [...findSizeIssues(inspection), ...inspection.issues]
    .slice(0, MAX_AUDIT_METADATA_ISSUES);
}

function findSizeIssues({ bytes, keys }: Inspection): MetadataIssue[] {
  const issues: MetadataIssue[] = [];
  if (bytes > MAX_AUDIT_METADATA_BYTES) {
    const detail =
      `takes more than ${MAX_AUDIT_METADATA_BYTES} bytes as JSON in UTF-8`;
    issues.push({ path: [], code: "too_large", detail });
  }
  if (keys > MAX_AUDIT_METADATA_KEYS) {
    const detail =
      `has more than ${MAX_AUDIT_METADATA_KEYS} keys, all objects together`;
    issues.push({ path: [], code: "too_many_keys", detail });
  }
  return issues;
}

function inspectValue(
  inspection: Inspection,
  value: unknown,
  location: Location,
  depth: number,
): void {
  if (typeof value === "string") {
    inspectString(inspection, value, location);
  } else if (typeof value === "number") {
    inspectNumber(inspection, value, location);
  } else if (typeof value === "boolean" || value === null) {
    inspection.bytes += String(value).length;
  } else if (!Array.isArray(value) && !isPlainObject(value)) {
    const detail =
      "is not a JSON value; send a string, an integer, a boolean, null, an object or an array";
    addIssue(inspection, location, "invalid_type", detail);
  } else if (depth > MAX_AUDIT_METADATA_DEPTH) {
    const detail =
      `is nested more than ${MAX_AUDIT_METADATA_DEPTH} levels deep, the metadata object included`;
    addIssue(inspection, location, "too_deep", detail);
  } else if (Array.isArray(value)) {
    inspectArray(inspection, value, location, depth);
  } else {
    inspectObject(inspection, value, location, depth);
  }
}

function inspectObject(
  inspection: Inspection,
  object: Record<string, unknown>,
  location: Location,
  depth: number,
): void {
  inspection.bytes += "{}".length;
  // Own keys only: JSON.parse makes `__proto__` one, and nothing is inherited.
  for (const [index, key] of Object.keys(object).entries()) {
    if (inspection.bytes > MAX_INSPECTED_BYTES) return;
    inspection.bytes += countJsonBytes(key) + (index > 0 ? 2 : 1);
    inspection.keys++;
    const below = inspectKey(inspection, key, location);
    inspectValue(inspection, object[key], below, depth + 1);
  }
}

function inspectArray(
  inspection: Inspection,
  array: readonly unknown[],
  location: Location,
  depth: number,
): void {
  inspection.bytes += "[]".length;
  for (let index = 0; index < array.length; index++) {
    if (inspection.bytes > MAX_INSPECTED_BYTES) return;
    inspection.bytes += index > 0 ? 1 : 0;
    inspectValue(inspection, array[index], enter(location, index), depth + 1);
  }
}

/**
 * Keys without issues. A sender repeats a few of them in every event; the cache is
 * bounded, because a sender could use new ones each time.
 */
const acceptedKeys = new Set<string>();
const MAX_ACCEPTED_KEYS = 1_000;

/** Checks a key and returns the location of its value. */
function inspectKey(
  inspection: Inspection,
  key: string,
  location: Location,
): Location {
  if (acceptedKeys.has(key)) return enter(location, key);
  const before = inspection.issues.length;
  const isTooLong = isLongerThan(key, MAX_AUDIT_METADATA_KEY_LENGTH) ||
    isLongNormalized(key, 4 * MAX_AUDIT_METADATA_KEY_LENGTH);
  const contentIssues = isTooLong ? [] : findContentIssues(key, "a key here ");
  const below = isTooLong || contentIssues.length > 0
    ? { path: location.path, isHidden: true }
    : enter(location, key);
  if (isTooLong || key === "") {
    const detail =
      `a key here is empty or longer than ${MAX_AUDIT_METADATA_KEY_LENGTH} characters`;
    addIssue(inspection, location, "key_too_long", detail);
  }
  for (const { code, detail } of contentIssues) {
    addIssue(inspection, location, code, detail);
  }
  if (!isTooLong && isSensitiveKey(key)) {
    const detail =
      "has a key that names money, an account or a credential; send a reference ending in _id or _ids, or a number ending in _count";
    addIssue(inspection, below, "sensitive_key", detail);
  }
  if (inspection.issues.length === before) {
    if (acceptedKeys.size === MAX_ACCEPTED_KEYS) acceptedKeys.clear();
    acceptedKeys.add(key);
  }
  return below;
}

function enter(location: Location, step: string | number): Location {
  return location.isHidden
    ? location
    : { path: [...location.path, step], isHidden: false };
}

function inspectString(
  inspection: Inspection,
  text: string,
  location: Location,
): void {
  inspection.bytes += countJsonBytes(text);
  // A rejected text is not searched, because a search takes far longer.
  if (isLongerThan(text, MAX_AUDIT_METADATA_STRING_LENGTH)) {
    const detail =
      `is longer than ${MAX_AUDIT_METADATA_STRING_LENGTH} characters; send a reference to the text`;
    addIssue(inspection, location, "too_long", detail);
    return;
  }
  if (isLongNormalized(text, 4 * MAX_AUDIT_METADATA_STRING_LENGTH)) {
    const detail = `is longer than ${
      4 * MAX_AUDIT_METADATA_STRING_LENGTH
    } characters in Unicode normalization form NFKC; send a reference to the text`;
    addIssue(inspection, location, "too_long", detail);
    return;
  }
  for (const { code, detail } of findContentIssues(text)) {
    addIssue(inspection, location, code, detail);
  }
}

/** The least number with as many digits as the shortest identifier, Aadhaar. */
const LEAST_IDENTIFIER = 100_000_000_000;

function inspectNumber(
  inspection: Inspection,
  number: number,
  location: Location,
): void {
  inspection.bytes += String(number).length;
  if (!Number.isSafeInteger(number)) {
    const detail =
      "is not an integer from -(2^53-1) to 2^53-1; send a count or a reference, and a large number as a string";
    addIssue(inspection, location, "not_integer", detail);
    return;
  }
  const size = Math.abs(number);
  if (size < LEAST_IDENTIFIER) return;
  for (const { code, detail } of findContentIssues(String(size))) {
    addIssue(inspection, location, code, detail);
  }
}

function addIssue(
  { issues }: Inspection,
  location: Location,
  code: MetadataIssueCode,
  detail: string,
): void {
  issues.push({ path: [...location.path], code, detail });
}

const REMEDY = "send references and counts only";

const FINANCIAL_NAMES: Readonly<Record<FinancialKind, string>> = {
  currency_amount: "an amount of money",
  card_number: "a payment card number",
  iban: "an IBAN",
  pan: "an Indian PAN",
  gstin: "an Indian GSTIN",
  aadhaar: "an Indian Aadhaar number",
  ssn: "a US Social Security number",
};

/** A short word or a UUID, as most values are: the form of no sensitive value. */
const PLAIN_VALUE =
  /^(?:[a-z_]{1,15}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/**
 * The issues of the content of a string, a key or the digits of an integer: at most
 * one for financial data and one for a secret. `prefix` starts the sentence:
 * `a key here ` or nothing.
 */
function findContentIssues(
  text: string,
  prefix = "",
): Omit<MetadataIssue, "path">[] {
  if (PLAIN_VALUE.test(text)) return [];
  const inspected = text.slice(0, MAX_INSPECTED_BYTES);
  const issues: Omit<MetadataIssue, "path">[] = [];
  const financial = findFinancialData(inspected);
  if (financial) {
    issues.push({
      code: "financial_data",
      detail: `${prefix}looks like ${FINANCIAL_NAMES[financial]}; ${REMEDY}`,
    });
  }
  const secret = findObscuredSecret(inspected);
  if (secret) {
    issues.push({
      code: "secret",
      detail: `${prefix}looks like a secret (${
        secret.replaceAll("_", " ")
      }); ${REMEDY}`,
    });
  }
  return issues;
}

/** Searches the plain readings, because invisible characters and fullwidth letters must not hide a secret. */
function findObscuredSecret(text: string): SecretKind | null {
  for (const reading of readText(text)) {
    const kind = findSecret(reading);
    if (kind) return kind;
  }
  return null;
}

/** Whether `text` has more than `limit` characters (code points). */
function isLongerThan(text: string, limit: number): boolean {
  // A code point takes at most two of the units that `length` counts.
  return text.length > 2 * limit ||
    (text.length > limit && Array.from(text).length > limit);
}

/** Text that JSON does not escape, one byte per character. */
const UNESCAPED_ASCII = /^[ !#-[\]-~]*$/;

/** The bytes of `text` as a JSON string; a lower bound when it exceeds every limit. */
function countJsonBytes(text: string): number {
  if (text.length > MAX_INSPECTED_BYTES) return text.length;
  return UNESCAPED_ASCII.test(text)
    ? text.length + '""'.length
    : new TextEncoder().encode(JSON.stringify(text)).length;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
