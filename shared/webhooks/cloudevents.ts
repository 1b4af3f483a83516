import { decodeBase64 } from "@std/encoding/base64.js";
import { parseMediaType } from "@std/media_types/parse_media_type.js";
import { isObject, type JsonObject } from "../http/json.ts";
import { createProblem, ProblemError } from "../http/problem.ts";
import { JsonSyntaxError, parseStrictJson } from "../http/strict-json.ts";
import { deriveId } from "../ingest/ids.ts";
import { readEvents } from "../ingest/read-events.ts";
import type { Issue } from "../issue.ts";
import type { LogSlug } from "../logs/index.ts";
import type { LogEvent } from "../logs/log.ts";
import {
  type AdaptedDelivery,
  type AdaptedEvent,
  type Delivery,
  readUrlDefaults,
} from "./adapter.ts";
import {
  addIssue,
  type EventDraft,
  finishEnvelope,
  rejectPayload,
  unpackEvent,
} from "./drafts.ts";
import { findFirst, findRelevantIssues } from "./payload.ts";

const DEFAULT_TYPE = "application/json";

/** The members of a CloudEvent that are read; extension attributes are not. */
const READ_MEMBERS = [
  "/specversion",
  "/id",
  "/source",
  "/type",
  "/time",
  "/datacontenttype",
  "/data",
  "/data_base64",
];

/** An event's decoded data: any JSON value, and its JSON Pointer. */
type Data = { value: unknown; pointer: string; issues: Issue[] };

/**
 * CloudEvents 1.0 in binary, structured or batched content mode, whose data is a
 * native event of `log` in JSON (`data`, or `data_base64`).
 *
 * `source` and `id` identify a CloudEvent, so the event's id is derived from both and
 * `data` must not have one. `time` is the event's time if the data has none; `type`
 * and `subject` are ignored, because the URL names the log. In binary mode the
 * attributes are headers, whose pointers name the attribute as in structured mode
 * (`/source` for `ce-source`). An empty batch is valid.
 *
 * @throws {ProblemError} for an unreadable body, or one that is not a CloudEvent in
 * any mode.
 */
export async function adaptCloudEvents(
  delivery: Delivery,
  log: LogSlug,
): Promise<AdaptedDelivery> {
  const urlDefaults = readUrlDefaults(delivery.query, log);
  const mode = readMode(delivery.headers);
  if (mode === "binary") {
    const event = await adaptBinary(delivery, log, urlDefaults);
    return { batch: false, events: [event] };
  }
  const batch = mode === "batched";
  if (batch && /^\s*\[\s*\]\s*$/.test(delivery.text)) {
    return { batch, events: [] };
  }
  if (batch !== delivery.text.trimStart().startsWith("[")) {
    const wanted = batch
      ? "Expected an array of CloudEvents for this Content-Type"
      : "Expected one CloudEvent for this Content-Type; send a batch as application/cloudevents-batch+json";
    throw new ProblemError(createProblem("invalid_batch", wanted));
  }
  const { events } = readEvents(delivery.text, "json", true);
  const adapted = events.map(({ value, issues }) =>
    adaptStructured(value, issues, log, urlDefaults)
  );
  return { batch, events: await Promise.all(adapted) };
}

async function adaptBinary(
  { headers, text }: Delivery,
  log: LogSlug,
  urlDefaults: LogEvent,
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
    urlDefaults,
    (name) => ` in the header ce-${name}`,
  );
}

async function adaptStructured(
  value: unknown,
  issues: Issue[],
  log: LogSlug,
  urlDefaults: LogEvent,
): Promise<AdaptedEvent> {
  if (!isObject(value)) {
    return rejectPayload(issues, "Expected a CloudEvent as an object");
  }
  const data = readData(value);
  const event = await adaptEvent(value, data, log, urlDefaults, () => "");
  const relevant = findRelevantIssues(issues, READ_MEMBERS);
  return { ...event, issues: [...relevant, ...event.issues] };
}

async function adaptEvent(
  attributes: JsonObject,
  data: Data,
  log: LogSlug,
  urlDefaults: LogEvent,
  describePlace: (attribute: string) => string,
): Promise<AdaptedEvent> {
  const time = findFirst(attributes, ["/time"]) ?? undefined;
  const { value, pointer } = data;
  const isReadable = data.issues.length === 0;
  const envelope = { log, data: isReadable ? value : {}, pointer, time };
  const draft = unpackEvent(envelope, urlDefaults);
  checkAttributes(attributes, draft, describePlace);
  if (draft.event.id !== undefined) {
    const detail =
      "source and id identify a CloudEvent; omit the id of the data";
    addIssue(draft, draft.origins.id, "not_allowed", detail);
  }
  const { source, id } = attributes;
  draft.event.id = await deriveId("cloudevents", log, `${source}`, `${id}`);
  draft.origins.id = "/id";
  return finishEnvelope(draft, data.issues);
}

function readData(event: JsonObject): Data {
  const type = event.datacontenttype ?? DEFAULT_TYPE;
  if (typeof type !== "string" || !isJson(type)) {
    return refuseType("/datacontenttype", "datacontenttype");
  }
  if (typeof event.data_base64 !== "string") {
    return { value: event.data, pointer: "/data", issues: [] };
  }
  const pointer = "/data_base64";
  try {
    const bytes = decodeBase64(event.data_base64);
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return parseData(text, pointer);
  } catch {
    const detail = "Expected JSON in UTF-8, in base64 (RFC 4648 §4)";
    const issue = { pointer, code: "invalid_value", detail };
    return { value: undefined, pointer, issues: [issue] };
  }
}

function parseData(text: string, pointer: string): Data {
  try {
    const { value, issues } = parseStrictJson(text);
    const located = issues.map(({ path, code, detail }) => ({
      pointer: [pointer, ...path].join("/"),
      code,
      detail,
    }));
    return { value, pointer, issues: located };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const issue = { pointer, code: "invalid_json", detail: error.message };
    return { value: undefined, pointer, issues: [issue] };
  }
}

function refuseType(pointer: string, what: string): Data {
  const detail = `Expected JSON data, such as application/json as ${what}`;
  const issue = { pointer, code: "unsupported_media_type", detail };
  return { value: undefined, pointer, issues: [issue] };
}

/** The content modes of the HTTP binding (§3). */
type ContentMode = "binary" | "structured" | "batched";

/** The content mode, which the Content-Type alone decides (HTTP binding §3). */
function readMode(headers: Headers): ContentMode {
  const type = (headers.get("content-type") ?? "").trim().toLowerCase();
  if (type.startsWith("application/cloudevents-batch")) return "batched";
  if (type.startsWith("application/cloudevents")) return "structured";
  return "binary";
}

/** Whether a media type's content is JSON (JSON format §3.1). */
function isJson(mediaType: string): boolean {
  try {
    const [type] = parseMediaType(mediaType);
    return /^(?:application|text)\/json$|\+json$/.test(type);
  } catch {
    return false;
  }
}

/**
 * The context attributes of a message in binary mode: the `ce-` headers. A value
 * may be in double quotes, and characters outside printable ASCII are
 * percent-encoded UTF-8 (HTTP binding §3.1.3.2); invalid UTF-8 stays encoded.
 */
function readAttributes(headers: Headers): JsonObject {
  const attributes = [...headers]
    .filter(([name]) => name.startsWith("ce-"))
    .map(([name, value]) => [name.slice("ce-".length), decodeValue(value)]);
  return Object.fromEntries(attributes);
}

function decodeValue(value: string): string {
  const quoted = /^"(.*)"$/s.exec(value.trim());
  const plain = quoted === null
    ? value.trim()
    : quoted[1].replace(/\\(.)/gs, "$1");
  try {
    return plain.replace(/(?:%[0-9a-f]{2})+/gi, decodeURIComponent);
  } catch {
    return plain;
  }
}

/** Checks the required attributes (CloudEvents 1.0 §3.1.1). */
function checkAttributes(
  attributes: JsonObject,
  draft: EventDraft,
  describePlace: (attribute: string) => string,
): void {
  if (attributes.specversion !== "1.0") {
    const detail = `Expected specversion "1.0"${describePlace("specversion")}`;
    addIssue(draft, "/specversion", "invalid_value", detail);
  }
  for (const name of ["id", "source", "type"]) {
    const value = attributes[name];
    if (typeof value === "string" && value !== "") continue;
    const detail = `Is required: text that is not empty${describePlace(name)}`;
    addIssue(draft, `/${name}`, "required", detail);
  }
}
