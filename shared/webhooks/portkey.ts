import { isObject } from "../http/json.ts";
import { deriveId } from "../ingest/ids.ts";
import { readEvents } from "../ingest/read-events.ts";
import type { Issue } from "../issue.ts";
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
  finishDraft,
  rejectPayload,
  setMember,
  startDraft,
} from "./drafts.ts";
import { type CallerPlaces, readCaller } from "./gateway-caller.ts";
import { sumUsageCost } from "../pricing/reported-cost.ts";
import { readUsageCost } from "./gateway-cost.ts";
import { readGatewayUsage, type UsagePlaces } from "./gateway-usage.ts";
import { findFirst, findReplaced, readPointer } from "./payload.ts";

/**
 * Portkey's usage is OpenAI's, with the counts of Anthropic and Bedrock as these send
 * them: without cached tokens.
 */
const USAGE: UsagePlaces = {
  objects: ["/response/json/usage"],
  response: "/response/json",
  operation: "/requestType",
  convention: "exclusive",
};

/** The members that are read, apart from the caller's. */
const READ_MEMBERS = [
  "/provider",
  "/requestType",
  "/request/json/model",
  "/response/statusCode",
  "/response/json/id",
  "/response/json/model",
  ...USAGE.objects,
];

/** The metadata of the request, which its caller writes. */
const CALLER: CallerPlaces = {
  metadata: ["/metadata"],
  describe: (member) => `send it with the request as metadata.${member}`,
};

/**
 * The body that the check `default.log` of Portkey's gateway posts after each call:
 * `{request, response: {json, statusCode}, provider, requestType, metadata}`.
 *
 * The id is derived from the provider and the id of its response. A response without an
 * id, such as embeddings, gets a random one: the gateway never sends a body again. The
 * body has no time and no duration, so the event's time is its arrival. The URL takes
 * precedence over metadata, as for LiteLLM.
 *
 * `request.headers` hold the provider's key, and `request` and `response` the prompt and
 * the answer: none of them is recorded, and issues never repeat a value.
 *
 * @throws {ProblemError} for an unreadable body.
 */
export async function adaptPortkey(
  delivery: Delivery,
): Promise<AdaptedDelivery> {
  const urlDefaults = readUrlDefaults(delivery.query, "llm-usage");
  const { batch, events } = readEvents(delivery.text, "json", true);
  const adapted = events.map(({ value, issues }) =>
    adaptPayload(value, issues, urlDefaults)
  );
  return {
    batch,
    events: await Promise.all(adapted),
    optionalReferences: ["cma_project_id"],
  };
}

async function adaptPayload(
  payload: unknown,
  textIssues: Issue[],
  urlDefaults: LogEvent,
): Promise<AdaptedEvent> {
  if (!isObject(payload)) {
    const wanted =
      "Expected an object, the body of Portkey's check default.log";
    return rejectPayload(textIssues, wanted);
  }
  const draft = startDraft(urlDefaults);
  draft.issues.push(...findReplaced(textIssues, payload, READ_MEMBERS));
  readStatus(payload, draft);
  readModel(payload, draft);
  readCaller(payload, CALLER, draft);
  await readId(payload, draft);
  readGatewayUsage(payload, USAGE, draft, false);
  readCost(payload, draft);
  return { ...finishDraft(draft, textIssues), adapterMembers: true };
}

/** The check also runs before a call, where it has no response. */
function readStatus(payload: unknown, draft: EventDraft): void {
  const status = readPointer(payload, "/response/statusCode");
  if (typeof status === "number") {
    const isSuccess = status >= 200 && status < 300;
    setMember(draft, "success", isSuccess, "/response/statusCode");
    return;
  }
  const detail =
    "Expected the status of the provider's response: use the check in output_guardrails, not in input_guardrails";
  addIssue(draft, "/response/statusCode", "required", detail);
}

function readModel(payload: unknown, draft: EventDraft): void {
  const model = findFirst(payload, [
    "/response/json/model",
    "/request/json/model",
  ]);
  if (model !== null) setMember(draft, "model", model.value, model.pointer);
  else {
    const detail = "Is required: the model's name, in the response or request";
    addIssue(draft, "/response/json/model", "required", detail);
  }
  const provider = findFirst(payload, ["/provider"]);
  if (provider !== null) {
    setMember(draft, "provider", provider.value, provider.pointer);
  }
}

async function readId(payload: unknown, draft: EventDraft): Promise<void> {
  const id = readPointer(payload, "/response/json/id");
  if (typeof id !== "string" || id.trim() === "") return;
  const provider = String(readPointer(payload, "/provider"));
  const derived = await deriveId("portkey", provider, id);
  setMember(draft, "id", derived, "/response/json/id");
}

/** OpenRouter states its cost in the usage object; the currency of others is unknown. */
function readCost(payload: unknown, draft: EventDraft): void {
  if (draft.event.provider !== "openrouter") return;
  const usd = sumUsageCost(readUsageCost(payload, USAGE.objects));
  if (usd === null) return;
  const pointer = `${USAGE.objects[0]}/cost`;
  setMember(draft, "reported_cost_usd", usd, pointer);
  draft.origins.cost_usd = pointer;
}
