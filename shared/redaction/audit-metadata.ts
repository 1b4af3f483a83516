import {
  MAX_AUDIT_METADATA_BYTES,
  MAX_AUDIT_METADATA_DEPTH,
  MAX_AUDIT_METADATA_ISSUES,
  MAX_AUDIT_METADATA_KEY_LENGTH,
  MAX_AUDIT_METADATA_KEYS,
  MAX_AUDIT_METADATA_STRING_LENGTH,
} from "../limits.ts";
import { findContentIssues } from "./content.ts";
import { classifyKey, type KeyMeaning } from "./key-names.ts";
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

/** A value's path, which does not grow below a hidden key, and the meaning of its key. */
interface Location {
  readonly path: readonly (string | number)[];
  readonly isHidden: boolean;
  readonly meaning: KeyMeaning;
}

const ROOT: Location = { path: [], isHidden: false, meaning: "plain" };

/**
 * The issues of the metadata of an audit event, none when it is acceptable: a plain
 * object of references and counts within the limits `MAX_AUDIT_METADATA_*`, whose
 * leaves are strings, safe integers, booleans and null. Strings, integers and keys
 * must not look like financial data (`findFinancialData`) or secrets
 * (`findSecret`). Keys must not name money, accounts or credentials (`classifyKey`),
 * unless their value is a boolean, which is none of these.
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
    const value = object[key];
    const below = inspectKey(inspection, key, location);
    inspectMeaning(inspection, below, value);
    inspectValue(inspection, value, below, depth + 1);
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
 * The meanings of keys without sensitive content. A sender repeats a few of them in every
 * event; the cache is bounded, because a sender could use new ones each time.
 */
const knownKeys = new Map<string, KeyMeaning>();
const MAX_KNOWN_KEYS = 1_000;

/** Checks a key and returns the location of its value. */
function inspectKey(
  inspection: Inspection,
  key: string,
  location: Location,
): Location {
  const known = knownKeys.get(key);
  if (known !== undefined) return enter(location, key, known);
  const isTooLong = isLongerThan(key, MAX_AUDIT_METADATA_KEY_LENGTH) ||
    isLongNormalized(key, 4 * MAX_AUDIT_METADATA_KEY_LENGTH);
  if (isTooLong || key === "") {
    const detail =
      `a key here is empty or longer than ${MAX_AUDIT_METADATA_KEY_LENGTH} characters`;
    addIssue(inspection, location, "key_too_long", detail);
    return isTooLong
      ? { ...location, isHidden: true, meaning: "plain" }
      : enter(location, key);
  }
  const meaning = classifyKey(key);
  const issues = findContentIssues(key, { prefix: "a key here " });
  for (const { code, detail } of issues) {
    addIssue(inspection, location, code, detail);
  }
  if (issues.length > 0) return { ...location, isHidden: true, meaning };
  if (knownKeys.size === MAX_KNOWN_KEYS) knownKeys.clear();
  knownKeys.set(key, meaning);
  return enter(location, key, meaning);
}

/** A number, as text too: `1200`, `1,200.50`, `-5`. */
const PLAIN_NUMBER = /^\s*[-+(]?\s*\d[\d.,' _]*\)?\s*$/;

/** Checks a value against the meaning of its key. */
function inspectMeaning(
  inspection: Inspection,
  location: Location,
  value: unknown,
): void {
  if (location.meaning === "plain" || typeof value === "boolean") return;
  if (location.meaning === "amount") {
    if (!hasPlainNumber(value)) return;
    const detail =
      "has a key that names an amount, and a number; send a number under a key that says what it counts, ending in _count";
    addIssue(inspection, location, "sensitive_key", detail);
    return;
  }
  const detail =
    "has a key that names money, an account or a credential; send a reference ending in _id or _ids, or a number ending in _count";
  addIssue(inspection, location, "sensitive_key", detail);
}

/** Items of an array that are searched for a number. */
const MAX_INSPECTED_ITEMS = 100;

/** Whether a value, or one of an array, is a number. */
function hasPlainNumber(value: unknown): boolean {
  if (Array.isArray(value)) {
    return value.slice(0, MAX_INSPECTED_ITEMS).flat(MAX_AUDIT_METADATA_DEPTH)
      .some((item) => !Array.isArray(item) && hasPlainNumber(item));
  }
  return typeof value === "number" ||
    (typeof value === "string" &&
      value.length <= MAX_AUDIT_METADATA_STRING_LENGTH &&
      readText(value).some(({ text }) => PLAIN_NUMBER.test(text)));
}

function enter(
  { path, isHidden }: Location,
  step: string | number,
  meaning: KeyMeaning = "plain",
): Location {
  return { path: isHidden ? path : [...path, step], isHidden, meaning };
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
