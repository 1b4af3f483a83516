import { isSensitiveKey } from "./key-names.ts";
import {
  countJsonBytes,
  findContentIssues,
  isLongerThan,
  MAX_AUDIT_METADATA_BYTES,
  MAX_AUDIT_METADATA_DEPTH,
  MAX_AUDIT_METADATA_ISSUES,
  MAX_AUDIT_METADATA_KEY_LENGTH,
  MAX_AUDIT_METADATA_KEYS,
  MAX_AUDIT_METADATA_STRING_LENGTH,
  MAX_INSPECTED_BYTES,
  type MetadataIssue,
} from "./metadata-text.ts";

export * from "./metadata-text.ts";

/** The least number that has as many digits as the shortest identifier, Aadhaar. */
const LEAST_IDENTIFIER = 100_000_000_000;

/**
 * Keys in which nothing was found. Senders use a few, which every event repeats;
 * what is remembered is bounded, because a sender could use a new one each time.
 */
const harmlessKeys = new Set<string>();
const MAX_HARMLESS_KEYS = 1_000;

/** Where the walk is, as far as it may be told: below a hidden key the path no longer grows. */
interface Place {
  readonly path: readonly (string | number)[];
  readonly isHidden: boolean;
}

const TOP: Place = { path: [], isHidden: false };

/** What has been counted and found so far. */
interface Inspection {
  bytes: number;
  keys: number;
  readonly issues: MetadataIssue[];
}

/**
 * The issues of the metadata of an audit event, empty when it is acceptable: a
 * plain object of references and counts within the limits above, whose leaves
 * are strings, safe integers, booleans and null. Strings, integers and key names
 * must not look like financial data (`findFinancialData`) or secrets
 * (`findSecret`), and keys must not name money, accounts or credentials
 * (`isSensitiveKey`).
 *
 * All issues are returned at once, those of the whole object first, at most
 * `MAX_AUDIT_METADATA_ISSUES`. What lies below `MAX_AUDIT_METADATA_DEPTH`, or after
 * `MAX_INSPECTED_BYTES`, is not looked at: such a value is refused anyway.
 *
 * This keeps out what was recorded by mistake. It cannot keep out what someone
 * hides on purpose, for example a number split over several leaves.
 */
export function checkAuditMetadata(value: unknown): MetadataIssue[] {
  const inspection: Inspection = { bytes: 0, keys: 0, issues: [] };
  if (isPlainObject(value)) {
    inspectObject(inspection, value, TOP, 1);
  } else {
    addIssue(inspection, TOP, "invalid_type", "is not a JSON object");
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
  place: Place,
  depth: number,
): void {
  if (typeof value === "string") {
    inspectString(inspection, value, place);
  } else if (typeof value === "number") {
    inspectNumber(inspection, value, place);
  } else if (typeof value === "boolean" || value === null) {
    inspection.bytes += String(value).length;
  } else if (!Array.isArray(value) && !isPlainObject(value)) {
    const detail =
      "is not a JSON value; a string, an integer, a boolean, null, an object or an array is wanted";
    addIssue(inspection, place, "invalid_type", detail);
  } else if (depth > MAX_AUDIT_METADATA_DEPTH) {
    const detail =
      `is nested more than ${MAX_AUDIT_METADATA_DEPTH} levels deep, the metadata object included`;
    addIssue(inspection, place, "too_deep", detail);
  } else if (Array.isArray(value)) {
    inspectArray(inspection, value, place, depth);
  } else {
    inspectObject(inspection, value, place, depth);
  }
}

function inspectObject(
  inspection: Inspection,
  object: Record<string, unknown>,
  place: Place,
  depth: number,
): void {
  inspection.bytes += "{}".length;
  // Own keys only: JSON.parse makes `__proto__` one, and nothing is inherited.
  for (const [index, key] of Object.keys(object).entries()) {
    if (inspection.bytes > MAX_INSPECTED_BYTES) return;
    inspection.bytes += countJsonBytes(key) + (index > 0 ? 2 : 1);
    inspection.keys++;
    const below = inspectKey(inspection, key, place);
    inspectValue(inspection, object[key], below, depth + 1);
  }
}

function inspectArray(
  inspection: Inspection,
  array: readonly unknown[],
  place: Place,
  depth: number,
): void {
  inspection.bytes += "[]".length;
  for (let index = 0; index < array.length; index++) {
    if (inspection.bytes > MAX_INSPECTED_BYTES) return;
    inspection.bytes += index > 0 ? 1 : 0;
    inspectValue(inspection, array[index], enter(place, index), depth + 1);
  }
}

/** Checks the name of a key and returns the place of what is below it. */
function inspectKey(inspection: Inspection, key: string, place: Place): Place {
  if (harmlessKeys.has(key)) return enter(place, key);
  const before = inspection.issues.length;
  const contentIssues = findContentIssues(key, "a key here ");
  const isTooLong = isLongerThan(key, MAX_AUDIT_METADATA_KEY_LENGTH);
  const below = isTooLong || contentIssues.length > 0
    ? { path: place.path, isHidden: true }
    : enter(place, key);
  if (isTooLong || key === "") {
    const detail =
      `a key here is empty or longer than ${MAX_AUDIT_METADATA_KEY_LENGTH} characters`;
    addIssue(inspection, place, "key_too_long", detail);
  }
  for (const { code, detail } of contentIssues) {
    addIssue(inspection, place, code, detail);
  }
  if (isSensitiveKey(key.slice(0, MAX_INSPECTED_BYTES))) {
    const detail =
      "has a key that names money, an account or a credential; a reference ending in _id or _ids, or a number ending in _count, is wanted";
    addIssue(inspection, below, "sensitive_key", detail);
  }
  if (inspection.issues.length === before) {
    if (harmlessKeys.size === MAX_HARMLESS_KEYS) harmlessKeys.clear();
    harmlessKeys.add(key);
  }
  return below;
}

function enter(place: Place, step: string | number): Place {
  return place.isHidden
    ? place
    : { path: [...place.path, step], isHidden: false };
}

function inspectString(
  inspection: Inspection,
  text: string,
  place: Place,
): void {
  inspection.bytes += countJsonBytes(text);
  if (isLongerThan(text, MAX_AUDIT_METADATA_STRING_LENGTH)) {
    const detail =
      `is longer than ${MAX_AUDIT_METADATA_STRING_LENGTH} characters; a reference to the text is wanted`;
    addIssue(inspection, place, "too_long", detail);
  }
  for (const { code, detail } of findContentIssues(text)) {
    addIssue(inspection, place, code, detail);
  }
}

function inspectNumber(
  inspection: Inspection,
  number: number,
  place: Place,
): void {
  inspection.bytes += String(number).length;
  if (!Number.isSafeInteger(number)) {
    const detail =
      "is not an integer from -(2^53-1) to 2^53-1; a count or a reference is wanted, a large number as a string";
    addIssue(inspection, place, "not_integer", detail);
    return;
  }
  const size = Math.abs(number);
  if (size < LEAST_IDENTIFIER) return;
  for (const { code, detail } of findContentIssues(String(size))) {
    addIssue(inspection, place, code, detail);
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function addIssue(
  { issues }: Inspection,
  place: Place,
  code: MetadataIssue["code"],
  detail: string,
): void {
  issues.push({ path: [...place.path], code, detail });
}
