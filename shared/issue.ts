/** One thing that is wrong with an event. */
export type Issue = {
  /** Where in the event: a JSON Pointer (RFC 6901), "" for the event itself. */
  pointer: string;
  /** Stable and machine-readable, such as `required` or `not_found`. */
  code: string;
  /** What is wrong and what is wanted. Never holds the value that was sent. */
  detail: string;
};

/** Longest key that a pointer repeats; a longer one is cut off there. */
const MAX_POINTER_KEY = 64;

/** The JSON Pointer (RFC 6901 §3) to a place given by keys and indexes. */
export function toPointer(path: readonly PropertyKey[]): string {
  let pointer = "";
  for (const step of path) {
    const key = String(step);
    if (key.length > MAX_POINTER_KEY) return pointer;
    pointer += "/" + key.replaceAll("~", "~0").replaceAll("/", "~1");
  }
  return pointer;
}
