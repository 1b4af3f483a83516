import type { Log } from "../logs/log.ts";
import type { Operation, OperationName, Route } from "./operation.ts";
import { ownParts } from "./own-parts.ts";
import {
  describeOperation,
  fetchOperation,
  listOperation,
  summaryOperation,
} from "./read-operations.ts";
import { recordOperation } from "./record-operation.ts";

/** The operations of a log by name: those of every log, then its own. */
export function routesOf(log: Log): Record<string, Route> {
  const get = (path: string, operation: Operation): Route => ({
    path,
    method: "get",
    operation,
  });
  const common: Record<OperationName, Route> = {
    list: get("", listOperation(log)),
    record: { path: "", method: "post", operation: recordOperation(log) },
    summarise: get("/summary", summaryOperation(log)),
    describe: get("/openapi.json", describeOperation(log)),
    fetch: get("/{id}", fetchOperation(log)),
  };
  return { ...common, ...ownParts(log).routes(log) };
}
