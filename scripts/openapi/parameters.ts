import { BUCKETS, PARAMETERS } from "../../shared/http/parameters.ts";
import {
  DEFAULT_PAGE_ROWS,
  MAX_FILTER_VALUES,
  MAX_GROUP_BY,
  MAX_IDEMPOTENCY_KEY,
  MAX_PAGE_ROWS,
  MAX_SUMMARY_DAYS,
} from "../../shared/limits.ts";
import type { Log } from "../../shared/logs/log.ts";
import { type Json, toParameterSchema } from "./schemas.ts";

/** A parameter object of the document. */
export type Parameter = Json & { name: string };

/** The parameters of `POST /<log>`. */
export function recordParameters(): Parameter[] {
  return [
    query("atomic", toParameterSchema(PARAMETERS.atomic), {
      description:
        "true: write nothing unless every event is recorded or a duplicate",
    }),
    idempotencyKey(
      "Gives the events that come without an id the same ids whenever the request is sent again",
    ),
    CONTENT_ENCODING,
    REQUEST_ID,
  ];
}

/** `Idempotency-Key`, and what it does here. */
export function idempotencyKey(description: string): Parameter {
  return header(
    "Idempotency-Key",
    {
      type: "string",
      minLength: 1,
      maxLength: MAX_IDEMPOTENCY_KEY,
      pattern: "^[ -~]+$",
    },
    description,
  );
}

/** The parameters of `GET /<log>`. */
export function listParameters(log: Log): Parameter[] {
  return [
    ...selectionParameters(log, { required: false }),
    query("limit", { type: "integer", minimum: 1 }, {
      description:
        `Rows at most. JSON: ${DEFAULT_PAGE_ROWS} when left out, ${MAX_PAGE_ROWS} at most. An export as CSV or NDJSON has no limit but this one.`,
    }),
    query("order", toParameterSchema(PARAMETERS.order), {
      description:
        "desc (when left out): newest first. asc: oldest first, where the last cursor asks for everything new",
    }),
    query("cursor", toParameterSchema(PARAMETERS.cursor), {
      description: "next_cursor of a page of the same query",
    }),
    REQUEST_ID,
  ];
}

/** The parameters of `GET /<log>/summary`. */
export function summaryParameters(log: Log): Parameter[] {
  return [
    ...selectionParameters(log, { required: true }),
    query("group_by", {
      type: "array",
      items: { type: "string", enum: [...BUCKETS, ...log.groups] },
      maxItems: MAX_GROUP_BY,
      uniqueItems: true,
    }, {
      description:
        `Up to ${MAX_GROUP_BY} columns, one of which may be a time: ${
          BUCKETS.join(", ")
        }. Repeated, or separated by commas`,
    }),
    query("tz", toParameterSchema(PARAMETERS.tz), {
      description:
        "The IANA time zone whose days, weeks and months are meant; UTC when left out",
    }),
    ...log.rated
      ? [query("as_of", toParameterSchema(PARAMETERS.as_of), {
        description:
          "Which ratings count: charged (none, when left out), latest, or those made until a moment",
      })]
      : [],
    REQUEST_ID,
  ];
}

/** The parameters of `GET /<log>/<id>`. */
export function fetchParameters(): Parameter[] {
  return [
    {
      name: "id",
      in: "path",
      required: true,
      description: "The row's id",
      schema: { type: "string", format: "uuid" },
    },
    header(
      "If-None-Match",
      { type: "string" },
      "The ETag of the copy that the caller has; 304 when it is still right",
    ),
    REQUEST_ID,
  ];
}

/** The parameters that choose the rows of `POST /llm-usage/ratings`. */
export function ratingParameters(log: Log): Parameter[] {
  return selectionParameters({ ...log, minimums: {} }, { required: true });
}

/** How a body may come. */
export const CONTENT_ENCODING: Parameter = header(
  "Content-Encoding",
  { type: "string", enum: ["gzip", "x-gzip", "identity"] },
  "gzip, when the body is compressed",
);

/** What the answer to any request may be told to carry. */
export const REQUEST_ID: Parameter = header(
  "x-request-id",
  { type: "string" },
  "Comes back in the answer, and in the function's log, if it is short and plain",
);

function selectionParameters(
  log: Log,
  { required }: { required: boolean },
): Parameter[] {
  const time = toParameterSchema(PARAMETERS.time);
  const range = required
    ? ` At most ${MAX_SUMMARY_DAYS} days lie between from and to.`
    : "";
  return [
    ...Object.entries(log.filters).map(([column, schema]) =>
      query(column, {
        type: "array",
        items: toParameterSchema(schema),
        maxItems: MAX_FILTER_VALUES,
      }, {
        description:
          `${column} is this, or one of these when repeated; up to ${MAX_FILTER_VALUES}`,
      })
    ),
    ...Object.entries(log.minimums).map(([column, schema]) =>
      query(`min_${column}`, toParameterSchema(schema), {
        description: `${column} is at least this`,
      })
    ),
    query("from", time, {
      required,
      description: `${log.timeColumn} is this or later.${range}`,
    }),
    query("to", time, {
      required,
      description: `${log.timeColumn} is earlier than this`,
    }),
  ];
}

/** A query parameter. */
export function query(name: string, schema: Json, more: Json): Parameter {
  // One value per occurrence of the name, which is also OpenAPI's default.
  const style = schema.type === "array" ? { style: "form", explode: true } : {};
  return { name, in: "query", ...more, ...style, schema };
}

function header(name: string, schema: Json, description: string): Parameter {
  return { name, in: "header", description, schema };
}
