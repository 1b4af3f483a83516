/** Most that metadata may take as JSON, in bytes of UTF-8. */
export const MAX_METADATA_BYTES = 8 * 1024;

/** Most levels of objects and arrays, the metadata object itself included. */
export const MAX_METADATA_DEPTH = 4;

/** Most keys, counted over all objects. */
export const MAX_METADATA_KEYS = 64;

/** Most characters (code points) of a key. */
export const MAX_METADATA_KEY_LENGTH = 64;

/** Most characters (code points) of a string. */
export const MAX_METADATA_STRING_LENGTH = 256;

/** Most faults that are reported at once. */
export const MAX_METADATA_FAULTS = 100;

/**
 * How much of a value is looked at, in bytes of JSON. Of anything near the size
 * limit that is all, so that every fault is named at once; the rest of a value
 * that is far too large is not worth the work.
 */
export const MAX_INSPECTED_BYTES = 4 * MAX_METADATA_BYTES;

/** What is wrong, for a program. */
export type MetadataFaultCode =
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
export interface MetadataFault {
  /**
   * Keys and indices from the metadata object down. A key that must not be
   * repeated, because it is too long or holds sensitive data, is left out with
   * everything below it: the path ends at the object that has it.
   */
  path: (string | number)[];
  code: MetadataFaultCode;
  /** What is wrong and what is wanted. Never holds a key or a value. */
  detail: string;
}
