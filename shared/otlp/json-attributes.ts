import { isObject } from "../http/json.ts";
import { MAX_USAGE_TEXT } from "../limits.ts";
import { isUsageName } from "./aliases.ts";
import { JSON_MEMBERS } from "./attributes.ts";
import type { AttributeValue } from "./span.ts";
import { keepUsageObject, USAGE_OBJECTS } from "./usage-objects.ts";

/** Attribute in JSON → JSON Pointers to providers' usage objects in it. */
const OBJECT_POINTERS = new Map<string, string[]>();
for (const { name } of USAGE_OBJECTS) {
  const slash = name.indexOf("/");
  const attribute = name.slice(0, slash);
  const pointers = OBJECT_POINTERS.get(attribute) ?? [];
  OBJECT_POINTERS.set(attribute, [...pointers, name.slice(slash)]);
}

/** Whether members of an attribute's JSON are kept instead of its text. */
export function isJsonAttribute(name: string): boolean {
  return JSON_MEMBERS.has(name) || OBJECT_POINTERS.has(name);
}

/**
 * The members of an attribute in JSON that are kept, with the JSON Pointer behind the
 * attribute's name: numbers, short texts and usage objects, and all counts of an object
 * that has nothing but counts. None for a text that is not a JSON object.
 */
export function readJsonAttribute(
  name: string,
  text: string,
): [name: string, value: AttributeValue][] {
  const root = parseLenient(text);
  if (!isObject(root)) return [];
  const kept: [string, AttributeValue][] = [];
  for (const pointer of JSON_MEMBERS.get(name) ?? []) {
    // A provider's count is null where it does not apply.
    const member = findMember(root, pointer);
    const value = member === null ? 0 : member;
    if (isShort(value)) kept.push([name + pointer, value]);
  }
  for (const pointer of OBJECT_POINTERS.get(name) ?? []) {
    const usage = keepUsageObject(findMember(root, pointer));
    if (usage !== undefined) kept.push([name + pointer, usage]);
  }
  if (isUsageName(`${name}/`)) {
    for (const [key, value] of Object.entries(root)) {
      const isCount = key.length <= MAX_USAGE_TEXT && typeof value === "number";
      if (isCount) kept.push([`${name}/${key}`, value]);
    }
  }
  return kept;
}

/**
 * A JSON text, in which NaN and the infinities that some serializers write count as null;
 * undefined for any other text.
 */
export function parseLenient(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return parseWithoutNonNumbers(text);
  }
}

function parseWithoutNonNumbers(text: string): unknown {
  const corrected = text.replace(
    /"[^"\\]*(?:\\.[^"\\]*)*"|-?Infinity|NaN/gs,
    (token) => token.startsWith('"') ? token : "null",
  );
  try {
    return JSON.parse(corrected);
  } catch {
    return undefined;
  }
}

function findMember(root: unknown, pointer: string): unknown {
  let value = root;
  for (const key of pointer.slice(1).split("/")) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

function isShort(value: unknown): value is string | number {
  return typeof value === "number" ||
    typeof value === "string" && value.length <= MAX_USAGE_TEXT;
}
