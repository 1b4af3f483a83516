import type { Log } from "../logs/log.ts";
import type { Operation, OperationName } from "./operation.ts";
import {
  describeOperation,
  fetchOperation,
  listOperation,
  summaryOperation,
} from "./read-operations.ts";
import { recordOperation } from "./record-operation.ts";

/** The operations of a log. */
export function operationsOf(log: Log): Record<OperationName, Operation> {
  return {
    record: recordOperation(log),
    list: listOperation(log),
    fetch: fetchOperation(log),
    summarise: summaryOperation(log),
    describe: describeOperation(log),
  };
}
