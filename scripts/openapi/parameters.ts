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
      "Derives the ids of events without one, so that a retry has the same ids",
    ),
    CONTENT_ENCODING,
    REQUEST_ID,
  ];
}

/** The header `Idempotency-Key`. */
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
        `Most rows. JSON: default ${DEFAULT_PAGE_ROWS}, at most ${MAX_PAGE_ROWS}. Exports as CSV or NDJSON have no other limit.`,
    }),
    query("order", toParameterSchema(PARAMETERS.order), {
      description:
        "desc (default): newest first. asc: oldest first; the last cursor then continues with new rows",
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
      description: "The IANA time zone of days, weeks and months; default UTC",
    }),
    ...log.rated
      ? [query("as_of", toParameterSchema(PARAMETERS.as_of), {
        description:
          "The ratings that count: charged (none; default), latest, or those until a timestamp",
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
      "The ETag of the caller's copy; 304 if it is current",
    ),
    REQUEST_ID,
  ];
}

/** The parameters that choose the rows of `POST /llm-usage/ratings`. */
export function ratingParameters(log: Log): Parameter[] {
  return selectionParameters({ ...log, minimums: {} }, { required: true });
}

/** The encodings of a body. */
export const CONTENT_ENCODING: Parameter = header(
  "Content-Encoding",
  { type: "string", enum: ["gzip", "x-gzip", "identity"] },
  "gzip, if the body is compressed",
);

/** The id of a request. */
export const REQUEST_ID: Parameter = header(
  "x-request-id",
  { type: "string" },
  "Returned in the answer and written to the access log, if it is short and plain",
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
          `${column} equals this value, or one of up to ${MAX_FILTER_VALUES} if repeated`,
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
