import type { ProblemCode } from "../../shared/http/problem.ts";
import {
  MAX_BODY_BYTES,
  MAX_EVENTS,
  MAX_GROUPS,
  MAX_JSON_DEPTH,
} from "../../shared/limits.ts";
import type { Log } from "../../shared/logs/log.ts";
import {
  type Content,
  csv,
  head,
  json,
  lines,
  type Operation,
  PRODUCER,
  SERVICE,
  USER,
} from "./operation.ts";
import {
  fetchParameters,
  listParameters,
  recordParameters,
  REQUEST_ID,
  summaryParameters,
} from "./parameters.ts";
import { recordedName } from "./reply-schemas.ts";
import { ALWAYS, respond, respondProblems } from "./responses.ts";
import { nameOf, refer } from "./schemas.ts";

/** `GET /<log>`. */
export function listOperation(log: Log): Operation {
  const name = nameOf(log);
  return {
    ...head(log, "list", `List rows of ${log.table}`),
    description:
      "A page as JSON, or all rows as CSV or NDJSON. A failing export aborts the connection: an answer that ends properly is complete.",
    parameters: listParameters(log),
    responses: {
      200: respond("The rows that the caller may read", {
        ...json(refer("schemas", `${name}Page`)),
        "text/csv": csv("Columns as in the schema of the row"),
        "application/x-ndjson": lines(`${name}Row`),
      }, ["link", "content-disposition"]),
      ...respondProblems(["invalid_parameter"]),
      ...ALWAYS,
      406: refer("responses", "NotAcceptable"),
    },
  };
}

/** `GET /<log>/<id>`. */
export function fetchOperation(log: Log): Operation {
  return {
    ...head(log, "fetch", `Fetch a row of ${log.table}`),
    parameters: fetchParameters(),
    responses: {
      200: respond(
        "The row",
        json(refer("schemas", `${nameOf(log)}Row`)),
        ["etag"],
      ),
      304: respond("The caller's copy is current", {}, ["etag"]),
      ...respondProblems(["invalid_parameter", "not_found"]),
      ...ALWAYS,
    },
  };
}

/** `GET /<log>/summary`. */
export function summaryOperation(log: Log): Operation {
  return {
    ...head(log, "summarise", `Count and sum rows of ${log.table}`),
    description:
      `Per group and in total, of the rows that the caller may read. At most the largest ${MAX_GROUPS} groups are listed.`,
    parameters: summaryParameters(log),
    responses: {
      200: respond("Counts and sums", {
        ...json(refer("schemas", `${nameOf(log)}Summary`)),
        "text/csv": csv(
          "A line per group, then one of totals; kind is group or total, and p50 of x is x_p50",
        ),
        "application/x-ndjson": {
          schema: {
            type: "string",
            description: "An object per group and one of totals, as in CSV",
          },
        },
      }, ["x-truncated"]),
      ...respondProblems(["invalid_parameter"]),
      ...ALWAYS,
      406: refer("responses", "NotAcceptable"),
    },
  };
}

/** `GET /<log>/openapi.json`. */
export function describeOperation(log: Log): Operation {
  return {
    ...head(log, "describe", "This document"),
    security: [],
    parameters: [REQUEST_ID],
    responses: {
      200: respond(
        "The OpenAPI document of this log",
        json({ type: "object" }),
      ),
      ...respondProblems(["invalid_parameter"]),
      500: refer("responses", "InternalError"),
    },
  };
}

/** `POST /<log>`. */
export function recordOperation(log: Log): Operation {
  const name = nameOf(log);
  const codes: ProblemCode[] = [
    "invalid_body",
    "invalid_parameter",
    "not_allowed",
    ...(log.userWrites?.attributed ? ["no_firm" as const] : []),
    "body_timeout",
    "conflict",
    "body_too_large",
    "too_many_events",
    "unsupported_media_type",
    "unsupported_encoding",
    "ceiling_reached",
    "invalid_event",
    "invalid_batch",
  ];
  const problems = respondProblems(codes);
  // A single event answers with its problem, an atomic batch with its results.
  for (const status of [409, 422]) {
    Object.assign(problems[status].content!, batch());
  }
  return {
    ...head(log, "record", `Record events in ${log.table}`),
    description:
      "A single event answers with its row, a batch with one result per event. Retries are idempotent. Events are acknowledged after the commit.",
    security: log.userWrites === null
      ? [PRODUCER, SERVICE]
      : [PRODUCER, SERVICE, USER],
    parameters: recordParameters(),
    requestBody: {
      required: true,
      description:
        `At most ${MAX_EVENTS} events, and ${MAX_BODY_BYTES} bytes after decompression, nested at most ${MAX_JSON_DEPTH} deep, in UTF-8. gzip is supported.`,
      content: {
        ...json(refer("schemas", `${name}Body`)),
        "application/x-ndjson": lines(`${name}Event`),
      },
    },
    responses: {
      200: respond("Recorded earlier, with the same content", rowOrBatch(log)),
      201: respond("Recorded; Location if it is one event", rowOrBatch(log), [
        "location",
      ]),
      207: respond("A batch whose events had different outcomes", batch()),
      ...ALWAYS,
      ...problems,
    },
  };
}

function rowOrBatch(log: Log): Content {
  return json({
    anyOf: [
      refer("schemas", recordedName(log)),
      refer("schemas", "BatchResult"),
    ],
  });
}

function batch(): Content {
  return json(refer("schemas", "BatchResult"));
}
