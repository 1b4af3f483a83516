import { isObject } from "../http/json.ts";
import { deriveId, readUuid } from "../ingest/ids.ts";
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
import {
  COST_POINTER,
  readCallStatus,
  readStatedCost,
  readTimes,
} from "./litellm-call.ts";
import {
  NO_USAGE,
  readGatewayUsage,
  type UsagePlaces,
} from "./gateway-usage.ts";
import { findFirst, findReplaced, readPointer } from "./payload.ts";

/** The members that are read, apart from the caller's. */
const READ_MEMBERS = [
  "/id",
  "/call_type",
  "/status",
  "/model",
  "/model_group",
  "/custom_llm_provider",
  "/prompt_tokens",
  "/completion_tokens",
  "/total_tokens",
  "/response_cost",
  "/startTime",
  "/endTime",
  "/metadata/usage_object",
  "/response/usage",
];

/** Members that are copied → the pointers to read, first match. */
const POINTERS: Record<string, string[]> = {
  model: ["/model", "/model_group"],
  provider: ["/custom_llm_provider"],
};

/**
 * LiteLLM's usage; some versions have its object in the response only. It adds cached
 * tokens to the input, for Anthropic too.
 */
const USAGE: UsagePlaces = {
  totals: "",
  objects: ["/metadata/usage_object", "/response/usage"],
  response: "/response",
  operation: "/call_type",
  convention: "inclusive",
};

/**
 * LiteLLM's `generic_api` callback (`StandardLoggingPayload`), in each `log_format`:
 * an array, NDJSON or a single object. LiteLLM sends NDJSON as application/json too,
 * so the text decides.
 *
 * The id is LiteLLM's `id` if that is a UUID, else derived from it. The webhook's URL
 * takes precedence over metadata and tags, because any caller of the proxy can write
 * those. For the same reason, a project that does not belong to the firm is dropped
 * instead of rejecting the call. Prompts and answers (`messages`, `response`,
 * `model_parameters`) are neither recorded nor checked.
 *
 * @throws {ProblemError} for an unreadable body.
 */
export async function adaptLitellm(
  delivery: Delivery,
): Promise<AdaptedDelivery> {
  const urlDefaults = readUrlDefaults(delivery.query, "llm-usage");
  const { batch, events } = readEvents(
    delivery.text,
    isLines(delivery.text) ? "ndjson" : "json",
    true,
  );
  return {
    batch,
    events: await Promise.all(
      events.map(({ value, issues }) =>
        adaptPayload(value, issues, urlDefaults)
      ),
    ),
    optionalReferences: ["cma_project_id"],
  };
}

/**
 * Whether the text is NDJSON, by its first two lines: one is an object or starts one
 * where an object, even an indented one, has none.
 */
function isLines(text: string): boolean {
  const [first, second] = text.trimStart().split("\n", 2);
  return second !== undefined && !first.startsWith("[") &&
    (first.trimEnd().endsWith("}") || second.startsWith("{"));
}

async function adaptPayload(
  payload: unknown,
  textIssues: Issue[],
  urlDefaults: LogEvent,
): Promise<AdaptedEvent> {
  if (!isObject(payload)) {
    const wanted = "Expected an object, a StandardLoggingPayload of LiteLLM";
    return rejectPayload(textIssues, wanted);
  }
  const draft = startDraft(urlDefaults);
  draft.issues.push(...findReplaced(textIssues, payload, READ_MEMBERS));
  refuseToolCall(payload, draft);
  await readId(payload, draft);
  readModel(payload, draft);
  readCaller(payload, CALLER, draft);
  readCallStatus(payload, draft);
  readTimes(payload, draft);
  readGatewayUsage(payload, USAGE, draft, isFree(payload));
  readCost(payload, draft);
  // The error message is sanitised already.
  const adapted = finishDraft(draft, textIssues, [
    "error_message",
  ]);
  return { ...adapted, adapterMembers: true };
}

/** Calls that consume no tokens: of batches, files and stores, and moderations. */
const FREE_CALL =
  /batch|file|fine_tuning|moderation|vector_store|(?:cancel|delete|get|list)_/;

/** Whether a call needs no usage, such as an answer from LiteLLM's own cache. */
function isFree(payload: unknown): boolean {
  return readPointer(payload, "/cache_hit") === true ||
    FREE_CALL.test(String(readPointer(payload, "/call_type")));
}

/** LiteLLM also logs calls of MCP tools, which are not model calls. */
function refuseToolCall(payload: unknown, draft: EventDraft): void {
  const type = readPointer(payload, "/call_type");
  if (typeof type !== "string" || !/(?:^|_)mcp_/.test(type)) return;
  const detail = "Is a tool call, not a model call; record it at /tool-usage";
  addIssue(draft, "/call_type", "not_a_model_call", detail);
}

async function readId(payload: unknown, draft: EventDraft): Promise<void> {
  const id = readPointer(payload, "/id");
  // LiteLLM writes str(id), which is "None" without an id.
  if (typeof id === "string" && id.trim() !== "" && id !== "None") {
    const uuid = readUuid(id) ?? await deriveId("litellm", id);
    setMember(draft, "id", uuid, "/id");
    return;
  }
  const detail =
    "Expected the id of the response or the call; without one, a retry cannot be distinguished from a new call";
  addIssue(draft, "/id", "required", detail);
}

function readModel(payload: unknown, draft: EventDraft): void {
  for (const [member, pointers] of Object.entries(POINTERS)) {
    const found = findFirst(payload, pointers);
    if (found !== null) setMember(draft, member, found.value, found.pointer);
  }
  const { model, provider } = draft.event;
  if (model === undefined) {
    addIssue(draft, "/model", "required", "Is required: the model's name");
  }
  // LiteLLM writes "bedrock/us.anthropic…"; the provider is its own member.
  const prefix = `${provider}/`;
  if (typeof model === "string" && model.startsWith(prefix)) {
    draft.event.model = model.slice(prefix.length);
  }
}

function readCost(payload: unknown, draft: EventDraft): void {
  const { unread_members } = draft.event;
  const { usd, issue } = readStatedCost(payload, USAGE.objects, {
    hasUsage: !(unread_members as string[] | undefined)?.includes(NO_USAGE),
  });
  if (issue !== undefined) draft.issues.push(issue);
  if (usd === null) return;
  setMember(draft, "reported_cost_usd", usd, COST_POINTER);
  // Issues of the database refer to the column.
  draft.origins.cost_usd = COST_POINTER;
}

/** Where the caller's members are: any caller of the proxy can write these. */
const CALLER: CallerPlaces = {
  metadata: [
    "/metadata/spend_logs_metadata",
    "/metadata/requester_metadata",
    "/metadata",
  ],
  tags: "/request_tags",
  describe: (member) =>
    `send it with the call as metadata.spend_logs_metadata.${member} or as the tag ${member}:<value>`,
};
