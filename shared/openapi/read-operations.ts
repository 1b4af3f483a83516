import { MAX_GROUPS } from "../limits.ts";
import type { Log } from "../logs/log.ts";
import { nameOf } from "./name-of.ts";
import { csv, head, json, lines, type Operation } from "./operation.ts";
import {
  fetchParameters,
  listParameters,
  REQUEST_ID,
  summaryParameters,
} from "./parameters.ts";
import { ALWAYS, respond, respondProblems } from "./responses.ts";
import { refer } from "./schemas.ts";

/** `GET /<log>`. */
export function listOperation(log: Log): Operation {
  const name = nameOf(log);
  return {
    ...head(log, "list", `List rows of ${log.table}`),
    description:
      "A page as JSON, or everything as CSV or NDJSON. An export that fails on the way breaks the connection off: an answer that ends properly is complete.",
    parameters: listParameters(log),
    responses: {
      200: respond("The rows that the caller may see", {
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
      304: respond("The caller's copy is still right", {}, ["etag"]),
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
      `Per group and over all, as far as the caller may see the rows. The largest ${MAX_GROUPS} groups are shown.`,
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
