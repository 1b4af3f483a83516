import { decodeBase64 } from "@std/encoding/base64.js";
import type { Fault } from "../fault.ts";
import { createProblem, ProblemError } from "../http/problem.ts";
import { readEvents } from "../ingest/read-events.ts";
import { JsonSyntaxError, parseStrictJson } from "../http/strict-json.ts";
import type { LogSlug } from "../logs/index.ts";
import type { LogEvent } from "../logs/log.ts";
import type { Adapted, AdaptedEvent, Delivery } from "./adapter.ts";
import {
  checkAttributes,
  isJson,
  readAttributes,
  readMode,
} from "./cloudevent-parts.ts";
import { addFault, rejectPayload } from "./draft.ts";
import { deriveId } from "./event-identity.ts";
import { finishEnvelope, unpackEvent } from "./native-event.ts";
import { findFirst, isObject, type JsonObject } from "./payload.ts";
import { readQueryMembers } from "./query-members.ts";

const DEFAULT_TYPE = "application/json";

/** An event's data once it is decoded: any JSON value, and where it stands. */
type Data = { value: unknown; pointer: string; faults: Fault[] };

/**
 * CloudEvents 1.0 in binary, structured or batched content mode, whose data is a
 * native event of `log` in JSON (`data`, or `data_base64`).
 *
 * What identifies an event is `source` with `id`, so the id is derived from both
 * and `data` must not have one. `time` is the event's time when the data has
 * none; `type` and `subject` are not looked at, because the URL names the log.
 * In binary mode the attributes are headers: pointers to them name the attribute
 * as structured mode would (`/source` for `ce-source`). An empty batch is valid.
 *
 * @throws {ProblemError} when the body as a whole cannot be read, or is not a
 * CloudEvent in any mode.
 */
export async function adaptCloudEvents(
  delivery: Delivery,
  log: LogSlug,
): Promise<Adapted> {
  const said = readQueryMembers(delivery.query, log);
  const mode = readMode(delivery.headers);
  if (mode === "binary") {
    const event = await adaptBinary(delivery, log, said);
    return { batch: false, events: [event] };
  }
  const batch = mode === "batched";
  if (batch && /^\s*\[\s*\]\s*$/.test(delivery.text)) {
    return { batch, events: [] };
  }
  if (batch !== delivery.text.trimStart().startsWith("[")) {
    const wanted = batch
      ? "Expected an array of CloudEvents, as the Content-Type says"
      : "Expected one CloudEvent, as the Content-Type says; a batch is application/cloudevents-batch+json";
    throw new ProblemError(createProblem("invalid_batch", wanted));
  }
  const { events } = readEvents(delivery.text, "json");
  const adapted = events.map(({ value, faults }) =>
    adaptStructured(value, faults, log, said)
  );
  return { batch, events: await Promise.all(adapted) };
}

async function adaptBinary(
  { headers, text }: Delivery,
  log: LogSlug,
  said: LogEvent,
): Promise<AdaptedEvent> {
  const attributes = readAttributes(headers);
  if (attributes.specversion === undefined) {
    throw new ProblemError(createProblem(
      "invalid_body",
      "The request is not a CloudEvent: send application/cloudevents+json, application/cloudevents-batch+json, or the headers ce-specversion, ce-id, ce-source and ce-type",
    ));
  }
  const type = headers.get("content-type") ?? DEFAULT_TYPE;
  const data = isJson(type)
    ? parseData(text, "")
    : refuseType("", "the Content-Type");
  return await adaptEvent(
    attributes,
    data,
    log,
    said,
    (name) => ` in the header ce-${name}`,
  );
}

async function adaptStructured(
  value: unknown,
  faults: Fault[],
  log: LogSlug,
  said: LogEvent,
): Promise<AdaptedEvent> {
  if (!isObject(value)) {
    return rejectPayload(faults, "Expected a CloudEvent as an object");
  }
  const data = readData(value);
  const event = await adaptEvent(value, data, log, said, () => "");
  return { ...event, faults: [...faults, ...event.faults] };
}

async function adaptEvent(
  attributes: JsonObject,
  data: Data,
  log: LogSlug,
  said: LogEvent,
  toPlace: (attribute: string) => string,
): Promise<AdaptedEvent> {
  const time = findFirst(attributes, ["/time"]) ?? undefined;
  const { value, pointer } = data;
  const isReadable = data.faults.length === 0;
  const envelope = { log, data: isReadable ? value : {}, pointer, time };
  const draft = unpackEvent(envelope, said);
  checkAttributes(attributes, draft, toPlace);
  if (draft.event.id !== undefined) {
    const detail =
      "A CloudEvent is identified by its source and id; leave this out";
    addFault(draft, draft.origins.id, "not_allowed", detail);
  }
  const { source, id } = attributes;
  draft.event.id = await deriveId("cloudevents", log, `${source}`, `${id}`);
  draft.origins.id = "/id";
  return finishEnvelope(draft, data.faults);
}

function readData(event: JsonObject): Data {
  const type = event.datacontenttype ?? DEFAULT_TYPE;
  if (typeof type !== "string" || !isJson(type)) {
    return refuseType("/datacontenttype", "datacontenttype");
  }
  if (typeof event.data_base64 !== "string") {
    return { value: event.data, pointer: "/data", faults: [] };
  }
  const pointer = "/data_base64";
  try {
    const bytes = decodeBase64(event.data_base64);
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return parseData(text, pointer);
  } catch {
    const detail = "Expected JSON in UTF-8, in base64 (RFC 4648 §4)";
    const fault = { pointer, code: "invalid_value", detail };
    return { value: undefined, pointer, faults: [fault] };
  }
}

function parseData(text: string, pointer: string): Data {
  try {
    const { value, faults } = parseStrictJson(text);
    const located = faults.map(({ path, code, detail }) => ({
      pointer: [pointer, ...path].join("/"),
      code,
      detail,
    }));
    return { value, pointer, faults: located };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const fault = { pointer, code: "invalid_json", detail: error.message };
    return { value: undefined, pointer, faults: [fault] };
  }
}

function refuseType(pointer: string, what: string): Data {
  const detail = `Expected JSON data, such as application/json as ${what}`;
  const fault = { pointer, code: "unsupported_media_type", detail };
  return { value: undefined, pointer, faults: [fault] };
}
