import { MAX_BODY_BYTES, MAX_EVENTS, MAX_JSON_DEPTH } from "../limits.ts";
import type { ProblemCode } from "../http/problem.ts";
import type { Log } from "../logs/log.ts";
import { nameOf } from "./name-of.ts";
import {
  type Content,
  head,
  json,
  lines,
  type Operation,
  SERVICE,
  USER,
} from "./operation.ts";
import { recordParameters } from "./parameters.ts";
import { recordedName } from "./reply-schemas.ts";
import { ALWAYS, respond, respondProblems } from "./responses.ts";
import { refer } from "./schemas.ts";

/** `POST /<log>`. */
export function recordOperation(log: Log): Operation {
  const name = nameOf(log);
  const codes: ProblemCode[] = [
    "invalid_body",
    "invalid_parameter",
    ...(log.userWrites === null ? ["not_allowed" as const] : []),
    ...(log.userWrites?.attributed ? ["no_firm" as const] : []),
    "body_timeout",
    "conflict",
    "body_too_large",
    "too_many_events",
    "unsupported_media_type",
    "unsupported_encoding",
    "invalid_event",
    "invalid_batch",
  ];
  const problems = respondProblems(codes);
  // One event answers with its problem, an atomic batch with its results.
  for (const status of [409, 422]) {
    Object.assign(problems[status].content!, batch());
  }
  return {
    ...head(log, "record", `Record events in ${log.table}`),
    description:
      "One event answers with its row, several with one result per event. An event that is sent again is a success. Nothing is acknowledged before it is committed.",
    security: log.userWrites === null ? [SERVICE] : [SERVICE, USER],
    parameters: recordParameters(),
    requestBody: {
      required: true,
      description:
        `At most ${MAX_EVENTS} events, and ${MAX_BODY_BYTES} bytes after decompression, nested at most ${MAX_JSON_DEPTH} deep, in UTF-8. gzip is understood.`,
      content: {
        ...json(refer("schemas", `${name}Body`)),
        "application/x-ndjson": lines(`${name}Event`),
      },
    },
    responses: {
      200: respond("Recorded before, with the same content", rowOrBatch(log)),
      201: respond("Recorded; Location if it is one event", rowOrBatch(log), [
        "location",
      ]),
      207: respond("A batch whose events had different outcomes", batch()),
      ...problems,
      ...ALWAYS,
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
