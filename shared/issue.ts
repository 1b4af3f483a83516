/** An issue of one member of an event or request. */
export type Issue = {
  /** A JSON Pointer (RFC 6901) to the member, "" for the event itself. */
  pointer: string;
  /** Stable and machine-readable, such as `required` or `not_found`. */
  code: string;
  /** The fact, then the remedy. Never repeats the value that was sent. */
  detail: string;
};

/** Characters of a key in a pointer; the pointer ends above a longer one. */
const MAX_POINTER_KEY = 64;

/** The JSON Pointer (RFC 6901 §3) of a path of keys and indexes. */
export function toPointer(path: readonly PropertyKey[]): string {
  let pointer = "";
  for (const step of path) {
    const key = String(step);
    if (key.length > MAX_POINTER_KEY) return pointer;
    pointer += "/" + key.replaceAll("~", "~0").replaceAll("/", "~1");
  }
  return pointer;
}
