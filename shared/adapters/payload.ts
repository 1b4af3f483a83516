import type { Fault } from "../fault.ts";

/** A JSON object. */
export type JsonObject = Record<string, unknown>;

/** A value that was found in a payload, and where. */
export type Found = { pointer: string; value: unknown };

/** Whether a JSON value is an object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The value at a JSON Pointer (RFC 6901, names without ~ and /), or undefined.
 * Only own members count: a payload cannot reach into a prototype.
 */
export function readPointer(payload: unknown, pointer: string): unknown {
  let value = payload;
  for (const step of pointer.split("/").slice(1)) {
    if (typeof value !== "object" || value === null) return undefined;
    if (!Object.hasOwn(value, step)) return undefined;
    value = (value as JsonObject)[step];
  }
  return value;
}

/** The first of some places that says something; null and "" say nothing. */
export function findFirst(
  payload: unknown,
  pointers: readonly string[],
): Found | null {
  for (const pointer of pointers) {
    const value = readPointer(payload, pointer);
    if (value !== undefined && value !== null && value !== "") {
      return { pointer, value };
    }
  }
  return null;
}

/**
 * The faults of a payload's text that touch what is recorded: at one of
 * `pointers`, above or below one. A sender's payload holds much that is ignored,
 * and what is wrong there is ignored with it.
 */
export function findRelevantFaults(
  faults: readonly Fault[],
  pointers: readonly string[],
): Fault[] {
  return faults.filter((fault) => {
    if (fault.code === "invalid_json") return true;
    // __proto__ was left out, and no format has a member of that name.
    if (fault.pointer === "") return false;
    return pointers.some((pointer) =>
      isAtOrBelow(pointer, fault.pointer) || isAtOrBelow(fault.pointer, pointer)
    );
  });
}

function isAtOrBelow(pointer: string, above: string): boolean {
  return pointer === above || pointer.startsWith(`${above}/`);
}
