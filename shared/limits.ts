/**
 * The limits of all functions, each in one place. The OpenAPI documents list them
 * as `x-limits`, and docs/recording.md and docs/reading.md explain them. Sizes of
 * text are UTF-16 code units unless stated otherwise.
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
 * Deadline for the body of an Auth hook, and that for recording its event, after which
 * the login continues without it; Auth waits five seconds for all of its attempts.
 */
export const AUTH_HOOK_TIMEOUT_MS = 3_000;

/** Characters of a `webhook-signature` header; a rotation needs about 100. */
export const MAX_SIGNATURE_HEADER = 2_048;

/** Characters of a `webhook-id` header. */
export const MAX_WEBHOOK_ID = 256;

/** Age, and distance into the future, of a `webhook-timestamp` header. */
export const WEBHOOK_TOLERANCE_SECONDS = 5 * 60;

/** Secrets of one webhook setting: each costs a pass over every body. */
export const MAX_WEBHOOK_SECRETS = 8;

/** Bytes of a webhook secret (Standard Webhooks, "Signature scheme"). */
export const MIN_WEBHOOK_SECRET_BYTES = 24;
export const MAX_WEBHOOK_SECRET_BYTES = 64;

/** Time that an instance uses a producer key before it looks it up again. */
export const PRODUCER_KEY_CACHE_MS = 30_000;

/** Producer keys that one instance remembers. */
export const MAX_CACHED_PRODUCER_KEYS = 1_000;

/** Requests in progress in one instance of a function. */
export const MAX_REQUESTS_IN_PROGRESS = 200;

/**
 * Bytes of request bodies in progress in one instance, counted after
 * decompression. The values parsed from a body take many times its size.
 */
export const MAX_BYTES_IN_PROGRESS = 16 * 1024 * 1024;

/**
 * Bytes of bodies in progress in one instance whose signature is not verified yet, for
 * each kind of signature: anyone can send these. Beyond it, the oldest has to go.
 */
export const MAX_UNVERIFIED_BYTES_IN_PROGRESS = 4 * 1024 * 1024;

/**
 * Such bodies, for each kind of signature: less than half of the requests in progress,
 * so that the two kinds leave places for verified senders.
 */
export const MAX_UNVERIFIED_BODIES_IN_PROGRESS = 80;

/**
 * Bytes of a request for a witness's cosignature: a checkpoint with some signatures, and
 * a proof of at most 63 hashes (C2SP tlog-witness).
 */
export const MAX_ADD_CHECKPOINT_BYTES = 64 * 1024;

/** Bytes of the body of an Auth hook after decompression. */
export const MAX_AUTH_HOOK_BYTES = 256 * 1024;

/** Time in which a body must arrive whose signature is not verified yet. */
export const UNVERIFIED_BODY_TIMEOUT_MS = 10_000;

/**
 * Events in progress in one instance: 32 full batches. Small events take a hundred
 * times the bytes of their text.
 */
export const MAX_EVENTS_IN_PROGRESS = 32_000;

/** Rows of pages and groups of summaries in progress in one instance. */
export const MAX_ROWS_IN_PROGRESS = 32_000;

/** Exports in progress in one instance. */
export const MAX_EXPORTS_IN_PROGRESS = 20;

/** Exports in progress of one user or key in one instance. */
export const MAX_EXPORTS_PER_CALLER = 5;

/** Time in which a body must arrive. */
export const BODY_TIMEOUT_MS = 30_000;

/** The largest count of a column of type `integer`. */
export const MAX_INTEGER = 2_147_483_647;

/** Levels of objects and arrays in a request body. */
export const MAX_JSON_DEPTH = 64;

/** Issues listed per event. */
export const MAX_FAULTS = 100;

/** Characters of an `Idempotency-Key` header. */
export const MAX_IDEMPOTENCY_KEY = 255;

/** Distance of an event's time into the future, for clocks that differ. */
export const MAX_CLOCK_SKEW_MS = 5 * 60 * 1_000;

/** Characters of the `error_message` of a model call. */
export const MAX_ERROR_MESSAGE = 16_384;

/** Bytes of a provider's `usage` object as JSON. */
export const MAX_USAGE_BYTES = 8 * 1024;

/** Levels of objects and arrays in `usage`, itself included. */
export const MAX_USAGE_DEPTH = 6;

/** Characters of a key or string in `usage`: names of tiers are short, content is not. */
export const MAX_USAGE_TEXT = 64;

/** Units in `other_units` of an event. */
export const MAX_OTHER_UNITS = 32;

/** Bytes of the `metadata` of a model-usage event as JSON. */
export const MAX_MODEL_METADATA_BYTES = 16 * 1024;

/** Bytes of the `metadata` of an audit event as JSON. */
export const MAX_AUDIT_METADATA_BYTES = 8 * 1024;

/** Levels of objects and arrays in audit `metadata`, itself included. */
export const MAX_AUDIT_METADATA_DEPTH = 4;

/** Keys in audit `metadata`, counted over all objects. */
export const MAX_AUDIT_METADATA_KEYS = 64;

/** Characters (code points) of a key in audit `metadata`. */
export const MAX_AUDIT_METADATA_KEY_LENGTH = 64;

/** Characters (code points) of a string in audit `metadata`. */
export const MAX_AUDIT_METADATA_STRING_LENGTH = 256;

/** Issues listed of audit `metadata`. */
export const MAX_AUDIT_METADATA_ISSUES = 100;

/** Time that the database may take for one batch, before the answer is a 503. */
export const RECORD_TIMEOUT_MS = 20_000;

/** The `Retry-After` of a 503. */
export const RETRY_AFTER_SECONDS = 2;

/** Rows of a page without `limit`. */
export const DEFAULT_PAGE_ROWS = 100;

/** Rows of a page; an export reads pages of this size. */
export const MAX_PAGE_ROWS = 1_000;

/** Values of one filter. */
export const MAX_FILTER_VALUES = 100;

/** Usage rows that one request rates again. */
export const MAX_RATED_ROWS = 100_000;

/** Lifetime of a reservation without `expires_in`. */
export const DEFAULT_RESERVATION_SECONDS = 600;

/** Lifetime of a reservation. */
export const MAX_RESERVATION_SECONDS = 86_400;

/** Days of a summary's time range. */
export const MAX_SUMMARY_DAYS = 400;

/** Columns and time buckets that one summary groups by. */
export const MAX_GROUP_BY = 3;

/** Groups of a summary: the largest are shown, the others counted. */
export const MAX_GROUPS = 1_000;

/** Time that the database may take for a page or a summary. */
export const READ_TIMEOUT_MS = 60_000;
