import { parseJson } from "../http/json.ts";
import { createProblem, ProblemError } from "../http/problem.ts";
import { type BodyFormat, toIssue } from "../http/read-body.ts";
import { splitEvents } from "../http/split-json.ts";
import {
  type JsonIssue,
  type JsonPath,
  JsonSyntaxError,
  parseStrictJson,
} from "../http/strict-json.ts";
import type { Issue } from "../issue.ts";
import { MAX_EVENTS } from "../limits.ts";

/** An event as it was sent: any JSON value, and the issues of its text. */
export type RawEvent = { value: unknown; issues: Issue[] };

/** The events of a body. */
export type RawEvents = {
  /** False for one bare event. */
  batch: boolean;
  events: RawEvent[];
  /** The texts of the events, where they were parsed one by one. */
  texts?: string[];
};

/**
 * Splits a body into events: one object, an array, `{"events": […]}`, or one event per
 * line of NDJSON. A line or an element that is not JSON is an issue of that event alone.
 * A `lenient` reader also accepts what `parseStrictJson` does, with issues.
 *
 * @throws {ProblemError} 400 for a body that is not JSON, 413 for more than
 * `MAX_EVENTS` events, 422 for none.
 */
export function readEvents(
  text: string,
  format: BodyFormat,
  lenient = false,
): RawEvents {
  const body = format === "json"
    ? readJson(text, lenient)
    : readLines(text, lenient);
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

function readJson(text: string, lenient: boolean): RawEvents {
  const body = tryParse(text);
  if (!(body instanceof JsonSyntaxError)) return splitBody(body);
  const texts = splitEvents(text);
  if (texts !== null) return readTexts(texts, lenient);
  const single = lenient ? tryParse(text, { lenient }) : body;
  if (single instanceof JsonSyntaxError) {
    throw new ProblemError(createProblem("invalid_body", single.message));
  }
  return { ...splitBody(single), texts: [text] };
}

function splitBody({ value, issues }: ReturnType<typeof parseJson>): RawEvents {
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

function readLines(text: string, lenient: boolean): RawEvents {
  return readTexts(
    text.split("\n").filter((line) => line.trim() !== ""),
    lenient,
  );
}

function readTexts(texts: string[], lenient: boolean): RawEvents {
  if (texts.length > MAX_EVENTS) throw tooMany(texts.length);
  const events = texts.map((text): RawEvent => {
    const strict = tryParse(text);
    const parsed = lenient && strict instanceof JsonSyntaxError
      ? tryParse(text, { lenient })
      : strict;
    if (parsed instanceof JsonSyntaxError) {
      const detail = parsed.message;
      return {
        value: null,
        issues: [{ pointer: "", code: "invalid_json", detail }],
      };
    }
    const { value, issues } = parsed;
    return { value, issues: issues.map((issue) => toIssue(issue, 0)) };
  });
  return { batch: true, events, texts };
}

/** The value of a text and its issues, or the error if it is not JSON. */
function tryParse(
  text: string,
  options?: { lenient: boolean },
): ReturnType<typeof parseJson> | JsonSyntaxError {
  try {
    return options === undefined
      ? parseJson(text)
      : parseStrictJson(text, options);
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error;
    throw error;
  }
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
