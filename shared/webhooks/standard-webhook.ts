import { isObject, type JsonObject } from "../http/json.ts";
import { deriveId } from "../ingest/ids.ts";
import { readEvents } from "../ingest/read-events.ts";
import type { LogSlug } from "../logs/index.ts";
import {
  type AdaptedDelivery,
  type Delivery,
  readUrlDefaults,
} from "./adapter.ts";
import {
  addIssue,
  finishEnvelope,
  rejectPayload,
  unpackEvent,
} from "./drafts.ts";
import {
  findFirst,
  findRelevantIssues,
  type Found,
  toTimestamp,
} from "./payload.ts";

/** The members of a payload that are read. */
const READ_MEMBERS = ["/timestamp", "/data"];

/**
 * A Standard Webhooks payload `{type, timestamp, data}` whose `data` is a native
 * event of `log`. Its id is `data.id`, else derived from the `webhook-id` header,
 * which a sender repeats at every attempt. `timestamp` is the event's time if the
 * event has none; `type` is ignored, because the URL names the log.
 *
 * @throws {ProblemError} for an unreadable body.
 */
export async function adaptStandardWebhook(
  delivery: Delivery,
  log: LogSlug,
): Promise<AdaptedDelivery> {
  const urlDefaults = readUrlDefaults(delivery.query, log);
  const { batch, events } = readEvents(delivery.text, "json", true);
  const [{ value, issues }] = events;
  if (batch || !isObject(value)) {
    const wanted = "Expected one object {type, timestamp, data}";
    return { batch: false, events: [rejectPayload(issues, wanted)] };
  }
  const time = readTime(value);
  const envelope = { log, data: value.data, pointer: "/data", time };
  const draft = unpackEvent(envelope, urlDefaults);
  if (draft.event.id === undefined) {
    const messageId = delivery.headers.get("webhook-id")?.trim();
    if (messageId) draft.event.id = await deriveId("standard", log, messageId);
    else {
      const detail =
        "Is required, or a webhook-id header: without either, a retry cannot be distinguished from a new event";
      addIssue(draft, "/data/id", "required", detail);
    }
  }
  const relevant = findRelevantIssues(issues, READ_MEMBERS);
  return { batch: false, events: [finishEnvelope(draft, relevant)] };
}

/** The specification requires ISO 8601; some senders write seconds since 1970. */
function readTime(payload: JsonObject): Found | undefined {
  const found = findFirst(payload, ["/timestamp"]);
  if (found === null) return undefined;
  return { ...found, value: toTimestamp(found.value) ?? found.value };
}
