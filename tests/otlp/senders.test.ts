import { describe, expect, test } from "vitest";
import type { TraceReading } from "../../shared/otlp/receive-traces.ts";
import {
  jsonExport,
  type JsonSpan,
  read,
  URL_SETTINGS,
} from "../support/otlp-exports.ts";
import { SENDER_EXPORTS } from "../support/otlp-senders.ts";

/** Members of an event that say nothing about its usage. */
const OTHER_MEMBERS = [
  "id",
  "firm_id",
  "task_type",
  "latency_ms",
  "created_at",
];
/** Members that an expectation may leave out. */
const OPTIONAL = [
  "provider",
  "success",
  "token_convention",
  "convention_basis",
];

/** Without a tool, so that its name is looked up. */
const SETTINGS = { ...URL_SETTINGS, tool_id: undefined };

async function readSpans(scope: string, spans: readonly JsonSpan[]) {
  const reading = await read(jsonExport([...spans], { scope }), SETTINGS);
  expect(reading.rejected).toEqual([]);
  expect(JSON.stringify(reading)).not.toContain("secret");
  return reading;
}

function usageOf(
  event: object,
  expected: Record<string, unknown>,
): Record<string, unknown> {
  const isShown = ([member]: [string, unknown]) =>
    !OTHER_MEMBERS.includes(member) &&
    (!OPTIONAL.includes(member) || member in expected);
  return Object.fromEntries(Object.entries(event).filter(isShown));
}

/** Compares the readings' calls and tools with the expected ones, in any order. */
function expectRows(
  readings: TraceReading[],
  calls: Record<string, unknown>[],
  tools: string[],
) {
  const events = readings.flatMap(({ modelCalls }) =>
    modelCalls.map(({ event }) => event)
  );
  expect(events).toHaveLength(calls.length);
  for (const call of calls) {
    const event = events.find(({ model }) => model === call.model)!;
    expect(usageOf(event, call)).toEqual(call);
  }
  const names = readings.flatMap(({ toolUses }) =>
    toolUses.map(({ lookups }) => lookups.tool)
  );
  expect(names).toEqual(tools);
}

/** Sends spans that need each other one by one: each call is rejected, with the remedy. */
async function expectRejections(
  scope: string,
  spans: readonly JsonSpan[],
  calls: number,
) {
  const reasons = [];
  for (const span of spans) {
    const reading = await read(jsonExport([span], { scope }), SETTINGS);
    expect(reading.modelCalls).toEqual([]);
    reasons.push(...reading.rejected.map(({ reason }) => reason));
  }
  expect(reasons).toEqual(
    Array(calls).fill(expect.stringContaining("with the spans around it")),
  );
}

describe.each(SENDER_EXPORTS)(
  "$sender",
  ({ scope, spans, calls, tools = [], together }) => {
    test("gives its rows", async () => {
      expectRows([await readSpans(scope, spans)], calls, tools);
    });

    test("gives the same rows in reversed order", async () => {
      const reading = await readSpans(scope, spans.toReversed());
      expectRows([reading], calls, tools);
    });

    test("gives the same rows one by one, or says why not", async () => {
      if (together) return await expectRejections(scope, spans, calls.length);
      const readings = [];
      for (const span of spans) {
        readings.push(await readSpans(scope, [span]));
      }
      expectRows(readings, calls, tools);
    });
  },
);
