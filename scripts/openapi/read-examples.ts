import { WRITERS } from "../../shared/http/format.ts";
import {
  readListParameters,
  readSummaryParameters,
} from "../../shared/http/parameters.ts";
import {
  createProblem,
  type Problem,
  ProblemError,
} from "../../shared/http/problem.ts";
import type { Log } from "../../shared/logs/log.ts";
import { type Example, exampleRow } from "./operation.ts";
import { measuresOf } from "./reply-schemas.ts";

/** An id that no row of the demo world has. */
export const UNKNOWN_ID = "99999999-0000-4000-8000-000000000009";

/** The common members of most examples. */
export const COMMON = { credential: "secretKey", parameters: {} } as const;

/** The examples of the GET operations, after the log's example is recorded. */
export function readExamples(log: Log): Example[] {
  return [...listExamples(log), ...fetchExamples(log), ...summaryExamples(log)];
}

function listExamples(log: Log): Example[] {
  const row = exampleRow(log);
  const { from, to } = secondOf(log);
  const [column] = Object.keys(log.filters);
  const parameters = {
    [column]: [row[column]],
    from,
    to,
    limit: 10,
    order: "desc",
  };
  const list = (name: string, type: string, body: unknown): Example => ({
    ...COMMON,
    name,
    operation: "list",
    parameters,
    status: 200,
    reply: { type, body },
  });
  const page = { rows: [row], has_more: false, next_cursor: null };
  return [
    list("page", "application/json", page),
    ...Object.entries(WRITERS).map(([type, { head, row: line }]) =>
      list(type, type, head(log.columns) + line(log.columns, row))
    ),
    refused("list", "backwards", { from: to, to: from }, (query) => {
      readListParameters(log, query);
    }),
  ];
}

function fetchExamples(log: Log): Example[] {
  const row = exampleRow(log);
  const detail = `${log.table} has no row with this id that you may see`;
  const fetch = (name: string, id: unknown) =>
    ({ ...COMMON, name, operation: "fetch", parameters: { id } }) as const;
  return [
    {
      ...fetch("row", row.id),
      status: 200,
      reply: { type: "application/json", body: row },
    },
    {
      ...fetch("missing", UNKNOWN_ID),
      ...problemReply(createProblem("not_found", detail)),
    },
  ];
}

function summaryExamples(log: Log): Example[] {
  const row = exampleRow(log);
  const { from, to } = secondOf(log);
  const [column] = log.groups;
  const totals = {
    count: 1,
    ...Object.fromEntries(
      Object.entries(measuresOf(log)).map((
        [name, { singleRowValue }],
      ) => [name, singleRowValue(row)]),
    ),
  };
  const day = `${from.slice(0, 10)}T00:00:00+00:00`;
  const body = {
    from,
    to,
    tz: "UTC",
    ...log.rated && { as_of: "charged" },
    group_by: ["day", column],
    totals,
    groups: [{ day, [column]: row[column], ...totals }],
    group_count: 1,
    truncated: false,
  };
  return [
    {
      ...COMMON,
      name: "by-day",
      operation: "summarise",
      parameters: { from, to, tz: "UTC", group_by: ["day", column] },
      status: 200,
      reply: { type: "application/json", body },
    },
    refused(
      "summarise",
      "too-long",
      { from: "2024-01-01", to: "2026-01-01" },
      (query) => readSummaryParameters(log, query),
    ),
  ];
}

/** The second of the example event, which has no other event. */
export function secondOf(log: Log): { from: string; to: string } {
  const time = Date.parse(log.example[log.timeColumn] as string);
  return {
    from: new Date(time).toISOString(),
    to: new Date(time + 1_000).toISOString(),
  };
}

function refused(
  operation: Example["operation"],
  name: string,
  parameters: Record<string, string>,
  read: (query: URLSearchParams) => unknown,
): Example {
  try {
    read(new URLSearchParams(parameters));
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    const reply = problemReply(error.problem);
    return { ...COMMON, name, operation, parameters, ...reply };
  }
  throw new Error(`the example ${name} is accepted`);
}

/** The status and the body of a problem. */
export function problemReply(
  problem: Problem,
): Pick<Example, "status" | "reply"> {
  const type = "application/problem+json";
  return { status: problem.status, reply: { type, body: problem } };
}
