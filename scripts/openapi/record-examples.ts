import {
  abortEvent,
  answerBatch,
  answerSingle,
  type EventResult,
  rejectEvent,
  toEventResult,
} from "../../shared/ingest/results.ts";
import type { Log, LogEvent } from "../../shared/logs/log.ts";
import { ownEventId } from "../../shared/ingest/ids.ts";
import { validateEvent } from "../../shared/logs/validate-event.ts";
import { type Example, exampleRow } from "./operation.ts";
import { asSent } from "./schemas.ts";

/** A time that is rejected, because it is in the future. */
const FUTURE = "2999-01-01T00:00:00Z";

const JSON_TYPE = "application/json";

/**
 * The examples of `POST /<log>`, from the log's example event and the code that creates
 * the answers.
 */
export async function recordExamples(log: Log): Promise<Example[]> {
  const { example: event, timeColumn } = log;
  const first = event.id as string;
  const earlier = (id: number) => ({
    ...event,
    id: first.slice(0, -2) + String(id).padStart(2, "0"),
    [timeColumn]: new Date(Date.parse(event[timeColumn] as string) - 3_600_000)
      .toISOString(),
  });
  const late = { ...event, [timeColumn]: FUTURE };
  const { issues } = validateEvent(log.event, late);
  const refuse = (index: number) =>
    rejectEvent({ index, id: late.id as string }, issues);
  const recorded = (index: number, { id }: LogEvent): EventResult => ({
    index,
    id: id as string,
    outcome: "recorded",
    row: exampleRow(log),
  });
  const duplicate = { ...recorded(0, event), outcome: "duplicate" } as const;
  const conflict = toEventResult(log, 0, {
    index: 0,
    id: first,
    outcome: "conflict",
    fields: [timeColumn],
  });
  const single = (name: string, body: LogEvent, result: EventResult) =>
    recordExample(name, { type: JSON_TYPE, body }, answerSingle(log, result));

  return await Promise.all([
    single("one", event, recorded(0, event)),
    single("again", event, duplicate),
    single("conflict", { ...earlier(1), id: first }, conflict),
    single("rejected", late, refuse(0)),
    recordExample(
      "several",
      { type: JSON_TYPE, body: { events: [earlier(2), earlier(3)] } },
      answerBatch([recorded(0, earlier(2)), recorded(1, earlier(3))], false),
    ),
    recordExample(
      "lines",
      {
        type: "application/x-ndjson",
        body: [event, earlier(4), late].map((line) => JSON.stringify(line))
          .join("\n"),
      },
      answerBatch([duplicate, recorded(1, earlier(4)), refuse(2)], false),
    ),
    recordExample(
      "atomic",
      { type: JSON_TYPE, body: [earlier(5), late] },
      answerBatch(
        [abortEvent({ index: 0, id: earlier(5).id }), refuse(1)],
        true,
      ),
      { parameters: { atomic: "true" } },
    ),
    ...log.userWrites === null ? [] : [userExample(log, earlier(6))],
  ]);
}

/** The user of the examples, who belongs to their firm. */
const EXAMPLE_USER = "20000000-0000-4000-8000-000000000001";

/** The server sets the id of the row, the time, the user and the address of a user's event. */
async function userExample(log: Log, event: LogEvent): Promise<Example> {
  const { shape } = asSent(log.userWrites!.event);
  const body = Object.fromEntries(
    Object.entries(event).filter(([column]) => column in shape),
  );
  const sentId = event.id as string;
  const id = await ownEventId(log.table, EXAMPLE_USER, sentId);
  const row = { ...exampleRow(log), id };
  return await recordExample(
    "user",
    { type: JSON_TYPE, body },
    answerSingle(log, { index: 0, id, outcome: "recorded", row }),
    { credential: "userToken" },
  );
}

/** An example of `POST /<log>` with this answer. */
export async function recordExample(
  name: string,
  request: Example["request"],
  answer: Response,
  more: Partial<Example> = {},
): Promise<Example> {
  return {
    name,
    operation: "record",
    credential: "secretKey",
    parameters: {},
    request,
    status: answer.status,
    reply: {
      type: answer.headers.get("content-type")!,
      body: await answer.json(),
    },
    ...more,
  };
}
