import { parseJson } from "../http/json.ts";
import { createProblem, ProblemError } from "../http/problem.ts";
import { type BodyFormat, parseBody, toIssue } from "../http/read-body.ts";
import {
  type JsonIssue,
  type JsonPath,
  JsonSyntaxError,
} from "../http/strict-json.ts";
import type { Issue } from "../issue.ts";
import { MAX_EVENTS } from "../limits.ts";

/** An event as it was sent: any JSON value, and the issues of its text. */
export type RawEvent = { value: unknown; issues: Issue[] };

/** The events of a body; `batch` is false for one bare event. */
export type RawEvents = { batch: boolean; events: RawEvent[] };

/**
 * Splits a body into events: one object, an array, `{"events": […]}`, or one event per
 * line of NDJSON. A line that is not JSON is an issue of that event alone.
 *
 * @throws {ProblemError} 400 for a body that is not JSON, 413 for more than
 * `MAX_EVENTS` events, 422 for none.
 */
export function readEvents(text: string, format: BodyFormat): RawEvents {
  const body = format === "json" ? readJson(text) : readLines(text);
  if (body.events.length === 0) {
    throw new ProblemError(
      createProblem(
        "invalid_batch",
        "The batch has no events; send at least one",
      ),
    );
  }
  if (body.events.length > MAX_EVENTS) throw tooMany(body.events.length);
  return body;
}

function readJson(text: string): RawEvents {
  const { value, issues } = parseBody(text);
  if (Array.isArray(value)) {
    return { batch: true, events: split(value, issues, []) };
  }
  if (typeof value !== "object" || value === null || !("events" in value)) {
    const ofEvent = issues.map((issue) => toIssue(issue, 0));
    return { batch: false, events: [{ value, issues: ofEvent }] };
  }
  const { events, ...others } = value;
  if (!Array.isArray(events) || Object.keys(others).length > 0) {
    throw new ProblemError(createProblem(
      "invalid_batch",
      'The member events is not an array, or not the only member; send {"events": […]}',
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

/** Assigns the issues of an array to its events. */
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

function tooMany(count: number) {
  return new ProblemError(createProblem(
    "too_many_events",
    `The request has ${count} events, more than ${MAX_EVENTS}; send several requests`,
  ));
}
