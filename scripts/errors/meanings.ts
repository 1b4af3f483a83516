/**
 * The meanings of codes, for docs/errors.md. The modules declare their codes; types and
 * a test keep this list complete.
 */
import type { StoreIssue } from "../../shared/db/record-events.ts";
import type { ProblemCode } from "../../shared/http/problem.ts";
import type { JsonIssue } from "../../shared/http/strict-json.ts";
import type { MetadataIssueCode } from "../../shared/redaction/audit-metadata.ts";

/** The meaning of each problem, and the remedy. */
export const PROBLEM_MEANINGS: Record<ProblemCode, string> = {
  invalid_body:
    "The body is not valid UTF-8, gzip or JSON, or is nested too deep. Send a body that can be parsed.",
  invalid_parameter:
    "A query parameter or header is unknown, malformed or repeated; `detail` names it.",
  missing_credentials:
    "The request has no credential. Send `x-ledger-key: lfk_…`, `apikey: sb_secret_…` or `Authorization: Bearer <JWT>`.",
  invalid_credentials:
    "The key, token or signature is not valid for this project, or has expired.",
  budget_exceeded:
    "A reservation exceeds the rest of a monthly budget. Reserve less, or raise the budget.",
  not_allowed:
    "The credential is valid, but not sufficient; `detail` names the one that is.",
  no_firm:
    "The user does not belong to a firm, which an audit event requires. Set `users.firm_id`.",
  not_found:
    "The path or the row does not exist, or the user may not read the row.",
  method_not_allowed: "The `Allow` header lists the methods of this path.",
  not_acceptable:
    "Send an `Accept` of `application/json`, `text/csv` or `application/x-ndjson`.",
  body_timeout: "The body did not arrive within 30 seconds. Send it again.",
  conflict:
    "The id was recorded with other content; `fields` names the columns that differ. Send new content under a new id. Of a reservation: it is settled, or open with another amount.",
  inconsistent:
    "The sealed tree does not begin with the last signed checkpoint. Nothing is signed; investigate before sealing again.",
  body_too_large:
    "The body has more than 2 MiB (4 MiB for an export of traces) after decompression. Send several requests.",
  too_many_events: "A request has at most 1,000 events. Send several requests.",
  unsupported_media_type:
    "The `Accept` header of the answer lists the media types.",
  unsupported_encoding:
    "The `Accept-Encoding` header of the answer lists the content encodings.",
  too_many_rows:
    "A rating selects more than 100,000 rows. Narrow `from` and `to`, or filter.",
  ceiling_reached:
    "The producer key has reached its daily ceiling, and nothing was recorded. `Retry-After` is the time until the next day of UTC.",
  invalid_request:
    "The body of a budget, reservation, rating or price has issues; `errors` lists them all.",
  invalid_event: "The event has issues; `errors` lists them all.",
  invalid_batch:
    'The batch as a whole has no events, or is not an array, `{"events": […]}` or NDJSON.',
  batch_aborted:
    "The event is acceptable, but another event of an atomic batch failed. Correct that one and send the batch again.",
  internal_error:
    "An error of the function or its configuration. Search the access log for the `x-request-id`.",
  unavailable:
    "The database or the JWKS is unreachable, or the database is busy. Retry after `Retry-After` seconds.",
  overloaded:
    "This instance is at its limit of work in progress. Retry after `Retry-After` seconds.",
};

/** Codes of issues that the types of their modules list. */
type TypedIssueCode =
  | StoreIssue["code"]
  | MetadataIssueCode
  | JsonIssue["code"];

/** The meaning of each issue of a member: its `code` in `errors`. */
export const ISSUE_MEANINGS: Record<TypedIssueCode, string> & {
  [code: string]: string;
} = {
  required: "The member is missing.",
  invalid_type: "The value has another JSON type than expected.",
  invalid_value: "The value has the right type but not the expected form.",
  invalid_length: "The text is too short or too long.",
  out_of_range: "The number, time or cost is outside of what the column holds.",
  not_allowed:
    "The caller may not send the member, or not together with another one.",
  unknown_field: "The log has no such member.",
  not_found: "The value refers to a row that does not exist.",
  other_firm: "The value refers to a row of another firm.",
  no_firm: "The user does not belong to a firm.",
  refused:
    "A constraint or trigger that the project added to the log refuses the event.",
  invalid_json:
    "An event of a batch, or `data` of a CloudEvent, is not JSON or is nested too deep.",
  duplicate_key: "An object has the same member twice.",
  forbidden_key: "An object has a member `__proto__`.",
  inexact_number:
    "The number cannot be represented exactly, or is `NaN` or `Infinity`. Send it as a string, or null.",
  invalid_text:
    "The text has a NUL or an unpaired surrogate, which Postgres cannot store.",
  unsupported_media_type: "`data` of a CloudEvent is not JSON.",
  too_large: "The metadata has more bytes than allowed.",
  too_deep: "The metadata is nested too deep.",
  too_many_keys: "The metadata has too many keys.",
  key_too_long: "A key of the metadata is too long.",
  too_long: "A string of the metadata is too long.",
  not_integer: "Numbers of audit metadata are integers.",
  sensitive_key: "The key names sensitive data, such as a password or salary.",
  financial_data:
    "The text looks like an amount of money, or the number of a card, account or person.",
  secret: "The text looks like a secret, such as an API key or token.",
  not_a_model_call: "LiteLLM reports another call than a model call.",
  not_an_audit_source:
    "The payload is not of an Auth hook or table that can be audited.",
};

/** Warnings that adapters add to those of the logs. */
export const ADAPTER_WARNINGS: Record<string, string> = {
  reference_left_out:
    "The payload refers to a row that the event cannot belong to; the event is recorded without the reference.",
};

/** SQLSTATEs that the migrations raise. */
export const SQLSTATE_MEANINGS: Record<string, string> = {
  "42501":
    "A log is append-only: the guard or a missing privilege refused UPDATE, DELETE, TRUNCATE or an upsert. Record a new row instead.",
  "55000":
    "A push found tables that differ from their documents; the message names every difference and its remedy. Nothing was changed.",
  "42P06":
    "A push found a schema `ledger`: the migrations are applied already, or the schema belongs to the project. Nothing was changed.",
  "23514": "A row is outside the bounds of its log; the message names them.",
  "22023": "An argument of a function is invalid; the message names it.",
  "0A000":
    "`ledger.guard` cannot guard a table with such a foreign key; the message says why.",
  "PT413":
    "A rating selects too many rows. The endpoint answers `too_many_rows`.",
  "LF001":
    "Internal: rolls back an atomic batch or the dry run of a price import. Never leaves the database.",
  "LF002":
    "A cursor of another database. The endpoint answers `invalid_parameter`.",
  "LF003":
    "Internal: writes a batch again, with every event checked. Never leaves the database.",
  "LF004":
    "Internal: a producer key is not active, or not for the log. The endpoint answers `invalid_credentials`.",
  "LF005":
    "Internal: a producer key has reached its daily ceiling. The endpoint answers `ceiling_reached`.",
};
