import type { Log, LogEvent } from "../logs/log.ts";

/** A request and the answer to it. */
export type Example = {
  /** Its key in the document: in parameters, request body and response. */
  name: string;
  /** The operation's name in `routesOf`. */
  operation: string;
  /** The security scheme that it goes with. */
  credential: "secretKey" | "userToken";
  parameters: Record<string, unknown>;
  request?: { type: string; body: unknown };
  status: number;
  reply: { type: string; body: unknown };
};

/** The row that a log's example event becomes. */
export function exampleRow(log: Log): LogEvent {
  return Object.fromEntries(
    log.columns.map((column) => [
      column,
      log.example[column] ?? log.exampleRow?.[column] ?? null,
    ]),
  );
}
