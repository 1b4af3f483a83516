/**
 * Spans of one export, of any kind. Senders batch hundreds (the SDKs 512, the
 * Collector 8192 by default); a body of the permitted size could hold a million
 * empty ones.
 */
export const MAX_SPANS = 10_000;

/** Characters of a recorded error text. */
export const MAX_ERROR_TEXT = 1_000;

/** Characters of the `errorMessage` of a partial success. */
export const MAX_ERROR_MESSAGE = 4_000;
