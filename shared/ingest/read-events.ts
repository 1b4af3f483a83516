import { type Issue, toPointer } from "../issue.ts";
import { MAX_EVENTS } from "../limits.ts";
import { parseJson } from "../http/json.ts";
import { createProblem, ProblemError } from "../http/problem.ts";
import type { BodyFormat } from "../http/read-body.ts";
import {
  type JsonIssue,
  type JsonPath,
  JsonSyntaxError,
} from "../http/strict-json.ts";

/** An event as it was sent: any JSON value, and what was wrong with its text. */
export type RawEvent = { value: unknown; issues: Issue[] };

/** The events of a body; `batch` is false for a single bare event. */
export type RawEvents = { batch: boolean; events: RawEvent[] };

/**
 * Splits a body into its events: one object, an array, `{"events": […]}`, or a
 * line of NDJSON each. A line that is not JSON is an issue of that event alone.
 *
 * @throws {ProblemError} 400 for a body that is not JSON, 413 for more than
 * `MAX_EVENTS` events, 422 for none.
 */
export function readEvents(text: string, format: BodyFormat): RawEvents {
  const read = format === "json" ? readJson(text) : readLines(text);
  if (read.events.length === 0) {
    throw new ProblemError(
      createProblem("invalid_batch", "There are no events: send at least one"),
    );
  }
  if (read.events.length > MAX_EVENTS) throw tooMany(read.events.length);
  return read;
}

function readJson(text: string): RawEvents {
  const { value, issues } = parse(text);
  if (Array.isArray(value)) {
    return { batch: true, events: split(value, issues, []) };
  }
  if (typeof value !== "object" || value === null || !("events" in value)) {
    const issue = issues.map((issue) => toIssue(issue, 0));
    return { batch: false, events: [{ value, issues: issue }] };
  }
  const { events, ...others } = value;
  if (!Array.isArray(events) || Object.keys(others).length > 0) {
    throw new ProblemError(createProblem(
      "invalid_batch",
      'Expected {"events": […]} with an array and no other member',
    ));
  }
  return { batch: true, events: split(events, issues, ["events"]) };
}

function readLines(text: string): RawEvents {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length > MAX_EVENTS) throw tooMany(lines.length);
  const events = lines.map((line): RawEvent => {
    try {
      const { value, issues } = parseJson(line);
      return { value, issues: issues.map((issue) => toIssue(issue, 0)) };
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error;
      const issue = {
        pointer: "",
        code: "invalid_json",
        detail: error.message,
      };
      return { value: null, issues: [issue] };
    }
  });
  return { batch: true, events };
}

function parse(text: string): { value: unknown; issues: JsonIssue[] } {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new ProblemError(createProblem("invalid_body", error.message));
  }
}

/** Gives each event of an array the issues below it. */
function split(
  values: unknown[],
  issues: JsonIssue[],
  prefix: JsonPath,
): RawEvent[] {
  const events = values.map((value): RawEvent => ({ value, issues: [] }));
  for (const issue of issues) {
    const index = issue.path[prefix.length];
    if (typeof index !== "number") {
      throw new ProblemError(createProblem("invalid_batch", issue.detail));
    }
    events[index].issues.push(toIssue(issue, prefix.length + 1));
  }
  return events;
}

/** The issue of one event, its pointer relative to the event. */
function toIssue({ path, code, detail }: JsonIssue, depth: number): Issue {
  return { pointer: toPointer(path.slice(depth)), code, detail };
}

function tooMany(count: number) {
  return new ProblemError(createProblem(
    "too_many_events",
    `A request has at most ${MAX_EVENTS} events, found ${count}; send several requests`,
  ));
}
