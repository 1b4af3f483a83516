/**
 * Every limit of the endpoints, each in one place. docs/recording.md and
 * docs/reading.md list them.
 */

/** Events in one request. */
export const MAX_EVENTS = 1_000;

/** Bytes of a request body, counted after decompression. */
export const MAX_BODY_BYTES = 2 * 1024 * 1024;

/** Bytes of an export of traces, counted after decompression. */
export const MAX_EXPORT_BYTES = 4 * 1024 * 1024;

/**
 * Spans of one export, of any kind. Senders batch hundreds (the SDKs 512, the
 * Collector 8192 by default); a body of the permitted size could hold a million
 * empty ones.
 */
export const MAX_SPANS = 10_000;

/** Characters of the error text that is recorded of a span. */
export const MAX_SPAN_ERROR_TEXT = 1_000;

/** Characters of the `errorMessage` that explains which spans were rejected. */
export const MAX_EXPORT_ERROR_MESSAGE = 4_000;

/**
 * Deadline for recording the event of an Auth hook, after which the login
 * continues without it; Auth waits five seconds for all of its attempts.
 */
export const AUTH_HOOK_TIMEOUT_MS = 3_000;

/** Requests that one instance of a function works on at once. */
export const MAX_REQUESTS_IN_PROGRESS = 200;

/**
 * Bytes of request bodies that one instance of a function works on at once,
 * counted after decompression. What is made of a body takes many times its size.
 */
export const MAX_BYTES_IN_PROGRESS = 16 * 1024 * 1024;

/**
 * Events that one instance of a function works on at once: 32 full batches. Small
 * ones take a hundred times the bytes in which they came.
 */
export const MAX_EVENTS_IN_PROGRESS = 32_000;

/** Rows of pages and groups of summaries that one instance reads at once. */
export const MAX_ROWS_IN_PROGRESS = 32_000;

/** Exports that one instance of a function writes at once. */
export const MAX_EXPORTS_IN_PROGRESS = 20;

/** How long a client may take over its body. */
export const BODY_TIMEOUT_MS = 30_000;

/** The largest count that a column holds: that of Postgres's `integer`. */
export const MAX_INTEGER = 2_147_483_647;

/** Levels of objects and arrays in a request body. */
export const MAX_JSON_DEPTH = 64;

/** Faults reported per event; what lies beyond is as wrong, but not listed. */
export const MAX_FAULTS = 100;

/** Characters of an `Idempotency-Key` header. */
export const MAX_IDEMPOTENCY_KEY = 255;

/** How far in the future an event's own time may lie, for clocks that differ. */
export const MAX_CLOCK_SKEW_MS = 5 * 60 * 1_000;

/** How long the database may take over one batch before we answer 503. */
export const RECORD_TIMEOUT_MS = 20_000;

/** Seconds after which a 503 may be tried again (`Retry-After`). */
export const RETRY_AFTER_SECONDS = 2;

/** Rows in a page, when the request does not say. */
export const DEFAULT_PAGE_ROWS = 100;

/** Rows in a page at most; an export is made of pages of this size. */
export const MAX_PAGE_ROWS = 1_000;

/** Values of one filter. */
export const MAX_FILTER_VALUES = 100;

/** Usage rows that one request rates again. */
export const MAX_RATED_ROWS = 100_000;

/** Seconds that a reservation of a budget is held, when the request does not say. */
export const DEFAULT_RESERVATION_SECONDS = 600;

/** Seconds that a reservation may be held. */
export const MAX_RESERVATION_SECONDS = 86_400;

/** Days of a summary's time range. */
export const MAX_SUMMARY_DAYS = 400;

/** Things that a summary may group by at once. */
export const MAX_GROUP_BY = 3;

/** Groups in a summary; the largest are shown, the rest counted. */
export const MAX_GROUPS = 1_000;

/** How long the database may take over a page or a summary. */
export const READ_TIMEOUT_MS = 60_000;
