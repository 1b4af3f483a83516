import type { Log, LogEvent } from "../../shared/logs/log.ts";
import type { Parameter } from "./parameters.ts";
import { type Json, nameOf } from "./schemas.ts";

/** The representations of a body, by media type. */
export type Content = Record<string, Json>;

/** A response object of the document. */
export type Reply = Json & { content?: Content };

/** An operation object of the document. */
export type Operation = Json & {
  parameters: Parameter[];
  requestBody?: Json & { content: Content };
  responses: Record<string, Reply>;
};

/** An operation with its path below that of its log. */
export type Route = {
  path: string;
  method: "get" | "post";
  operation: Operation;
};

/** The operations of every log. */
export type OperationName =
  | "record"
  | "list"
  | "fetch"
  | "summarise"
  | "describe";

/** Security: a producer. */
export const PRODUCER = { producerKey: [] };

/** Security: a service. */
export const SERVICE = { secretKey: [] };

/** Security: a signed-in user. */
export const USER = { userToken: [] };

/** The members that every operation begins with. */
export function head(log: Log, operation: string, summary: string): Json {
  return {
    operationId: operation + nameOf(log),
    tags: [log.slug],
    summary,
    security: [PRODUCER, SERVICE, USER],
  };
}

/** A body of JSON. */
export function json(schema: Json): Content {
  return { "application/json": { schema } };
}

/** NDJSON. */
export function lines(schema: string): Json {
  const description = `One ${schema} per line`;
  return { schema: { type: "string", description } };
}

/** CSV. */
export function csv(description: string): Json {
  return {
    schema: {
      type: "string",
      description:
        `RFC 4180 with a header row. ${description}. A text that a spreadsheet would run as a formula has a leading apostrophe.`,
    },
  };
}

/** A request with its answer. */
export type Example = {
  /** Its key in the document: in parameters, request body and response. */
  name: string;
  /** The operation's name in `routesOf`. */
  operation: string;
  /** Its security scheme. */
  credential: "secretKey" | "userToken";
  parameters: Record<string, unknown>;
  request?: { type: string; body: unknown };
  status: number;
  reply: { type: string; body: unknown };
};

/** The row of a log's example event. */
export function exampleRow(log: Log): LogEvent {
  return Object.fromEntries(
    log.columns.map((column) => [
      column,
      log.example[column] ?? log.exampleRow?.[column] ?? null,
    ]),
  );
}
