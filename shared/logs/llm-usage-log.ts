import * as z from "zod";
import { MAX_ERROR_MESSAGE, MAX_INTEGER, MAX_OTHER_UNITS } from "../limits.ts";
import { providerOf, providerOrNone } from "../pricing/model-names.ts";
import {
  canonicalProvider,
  canonicalServiceTier,
} from "../pricing/providers.ts";
import { redactSecrets } from "../redaction/secrets.ts";
import {
  booleanParameter,
  integer,
  money,
  name,
  text,
  timestamp,
  uuid,
} from "./fields.ts";
import {
  LLM_USAGE_MEASURES,
  LLM_USAGE_ROW,
  usageObject,
} from "./llm-usage-details.ts";
import {
  defineLog,
  type Derived,
  erasable,
  type LogEvent,
  plain,
  reference,
} from "./log.ts";

const taskType = z.enum(
  ["extraction", "classification", "validation", "fallback"],
  "Expected extraction, classification, validation or fallback",
);

const tokens = (description: string) =>
  integer(0).describe(description).optional();

const provider = name(64).transform(canonicalProvider).pipe(z.string());

/** The name of a framework or a gateway counts as omitted. */
const sentProvider = name(64).transform(providerOrNone)
  .pipe(z.string().optional());

const serviceTier = text(32).transform(canonicalServiceTier).pipe(
  z.string().regex(
    /^[a-z][a-z0-9_-]{0,31}$/,
    "Expected a name such as standard, batch or flex",
  ),
);

const event = z.strictObject({
  id: uuid().optional(),
  firm_id: uuid(),
  cma_project_id: uuid().optional(),
  model: name(256),
  task_type: taskType,
  input_tokens: tokens("The full input, cached or not. Required without usage"),
  output_tokens: tokens(
    "The full output, reasoning included. Required without usage",
  ),
  cost_usd: money({ negative: false })
    .describe("US dollars, exact. When left out, computed from the price list")
    .optional(),
  latency_ms: integer(0).optional(),
  success: z.boolean("Expected true or false").optional(),
  // Redacted instead of rejected: losing the row would be worse.
  error_message: text(MAX_ERROR_MESSAGE)
    .describe(
      "Only with success: false. Secrets, and numbers of cards, accounts and persons, in it are redacted.",
    )
    .transform(redactSecrets).pipe(z.string()).optional(),
  created_at: timestamp().optional(),
  provider: sentProvider
    .describe(
      "The provider that served the model. When left out, inferred from the model's name where it implies one",
    )
    .optional(),
  api_flavor: name(32)
    .describe(
      "The API or SDK that the usage object is from; needed only if two readings fit",
    )
    .optional(),
  service_tier: serviceTier
    .describe(
      "standard when left out. batch, flex and others have their own prices",
    )
    .optional(),
  usage: usageObject().optional(),
  cache_read_tokens: tokens("Input that was read from the cache"),
  cache_write_5m_tokens: tokens(
    "Input that was written to the cache for five minutes, or for an unknown time",
  ),
  cache_write_1h_tokens: tokens(
    "Input that was written to the cache for an hour",
  ),
  reasoning_tokens: tokens("Output that was reasoning"),
  other_units: z.record(
    z.string().regex(
      /^[a-z][a-z0-9_]{0,63}$/,
      "Expected names of units such as web_searches",
    ),
    integer(0),
    "Expected an object of units and counts",
  )
    .refine(
      (units) => Object.keys(units).length <= MAX_OTHER_UNITS,
      `Expected at most ${MAX_OTHER_UNITS} units`,
    )
    .describe(
      "Units that are billed separately, such as web_searches. Those that start with input_ or cache_ and end in _tokens are parts of input_tokens, those with output_ of output_tokens",
    )
    .optional(),
  reservation_id: uuid()
    .describe("The reservation that this call settles").optional(),
}).superRefine(checkUsage, {
  // Runs even after other issues, so that all issues are reported at once.
  when: () => true,
});

/** Members that come with the columns of the details. */
const DETAILS = ["other_units"];

const sentColumns = Object.keys(event.shape)
  .filter((column) => !DETAILS.includes(column));

/** The columns of the table, then those of llm_usage_details. */
const columns = [
  ...sentColumns,
  ...Object.keys(LLM_USAGE_ROW)
    .filter((column) => !sentColumns.includes(column)),
];

/** What each LLM call of a firm consumed and cost. */
export const llmUsageLog = defineLog({
  description: "What each LLM call of a firm consumed and cost",
  table: "llm_usage_log",
  slug: "llm-usage",
  columns,
  leaf: [
    plain("firm_id", "uuid"),
    reference("cma_project_id"),
    plain("model", "text"),
    plain("task_type", "text"),
    plain("input_tokens", "integer"),
    plain("output_tokens", "integer"),
    plain("cost_usd", "numeric"),
    plain("latency_ms", "integer"),
    plain("success", "boolean"),
    erasable("error_message", "text"),
    plain("created_at", "timestamptz"),
  ],
  row: LLM_USAGE_ROW,
  timeColumn: "created_at",
  event,
  example: {
    id: "70000000-0000-4000-8000-000000000001",
    firm_id: "10000000-0000-4000-8000-000000000001",
    cma_project_id: "30000000-0000-4000-8000-000000000001",
    model: "house-model-1",
    task_type: "extraction",
    input_tokens: 1200,
    output_tokens: 80,
    cost_usd: "0.000124",
    latency_ms: 912,
    success: true,
    created_at: "2026-01-31T12:00:00.123456+00:00",
    provider: "house",
    service_tier: "standard",
    cache_read_tokens: 1000,
    cache_write_5m_tokens: 0,
    cache_write_1h_tokens: 0,
    reasoning_tokens: 0,
  },
  exampleRow: {
    uncached_input_tokens: 200,
    visible_output_tokens: 80,
    other_units: {},
    unread_members: [],
    cost_source: "reported",
    cost_usd_exact: "0.000124",
    reported_cost_usd: "0.000124",
    cost_is_floor: false,
    cost_differs: false,
  },
  userWrites: null,
  filters: {
    firm_id: uuid(),
    cma_project_id: uuid(),
    model: text(256),
    task_type: taskType,
    success: booleanParameter(),
    provider,
    service_tier: serviceTier,
    cost_source: z.enum(
      ["reported", "computed", "unpriced"],
      "Expected reported, computed or unpriced",
    ),
    cost_differs: booleanParameter(),
  },
  minimums: { cost_usd: money({ negative: false }) },
  groups: [
    "model",
    "task_type",
    "firm_id",
    "cma_project_id",
    "success",
    "provider",
    "service_tier",
    "cost_source",
    "convention_basis",
  ],
  urlDefaults: ["firm_id", "cma_project_id", "task_type"],
  measures: LLM_USAGE_MEASURES,
  rated: true,
  derive: deriveUsage,
  warnings: {
    unpriced:
      "No price is known for this model, provider and service tier at the time of the call, so cost_usd is 0; enter a price and rate the call",
    partly_unpriced:
      "A unit of the usage has no price, so the call cost more than cost_usd; enter the price and rate the call",
    usage_missing:
      "The call has no usage, so its tokens are 0 and its cost is unknown; send the provider's usage object or the token counts",
    usage_unread:
      "A member of the usage was not understood or has no price, so the call cost more than cost_usd; see unread_members",
    cost_differs:
      "The reported cost differs by more than one percent from the price list; compare computed_cost_usd of the row",
    budget_threshold_crossed:
      "This call crossed a threshold of a budget; see GET /llm-usage/budget for the amount left",
    reservation_not_open:
      "The reservation is settled, expired or unknown, and the call is recorded without it; reserve again for the next call",
  },
});

/** Members that are parts of `input_tokens`. */
const INPUT_PARTS = [
  "cache_read_tokens",
  "cache_write_5m_tokens",
  "cache_write_1h_tokens",
];

/** Members that a provider's usage object replaces. */
const COUNTS = [
  "input_tokens",
  "output_tokens",
  ...INPUT_PARTS,
  "reasoning_tokens",
  "other_units",
];

/** Checks the rules of `llm_usage_log` that involve several members. */
function checkUsage(event: LogEvent, context: z.RefinementCtx): void {
  const refuse = (path: string, code: string, message: string) =>
    context.addIssue({
      code: "custom",
      path: [path],
      params: { code },
      message,
    });

  if (event.error_message !== undefined && event.success !== false) {
    refuse(
      "error_message",
      "invalid_value",
      "Is allowed only for a failed call; send success: false with it",
    );
  }
  if (event.usage !== undefined) {
    for (const count of COUNTS.filter((name) => event[name] !== undefined)) {
      refuse(count, "not_allowed", "Is part of usage; send one of the two");
    }
    return;
  }
  for (const count of ["input_tokens", "output_tokens"]) {
    if (event[count] === undefined) {
      refuse(
        count,
        "required",
        "Send the token counts, or the provider's usage object as usage",
      );
    }
  }
  if (exceedsTotal(event, INPUT_PARTS, "input_tokens")) {
    refuse(
      INPUT_PARTS.find((part) => Number(event[part]) > 0)!,
      "out_of_range",
      "Cache reads and writes together exceed input_tokens; send the full input, cached or not, as input_tokens",
    );
  }
  if (exceedsTotal(event, ["reasoning_tokens"], "output_tokens")) {
    refuse(
      "reasoning_tokens",
      "out_of_range",
      "Exceeds output_tokens; send the full output, reasoning included, as output_tokens",
    );
  }
  checkOtherUnits(event, refuse);
}

/** Checks that the units which are parts of a total do not exceed it. */
function checkOtherUnits(
  event: LogEvent,
  refuse: (path: string, code: string, message: string) => void,
): void {
  const units = Object(event.other_units) as Record<string, unknown>;
  for (const [total, parts, pattern] of TOTALS) {
    const kinds = Object.keys(units).filter((unit) => pattern.test(unit));
    const counts = { ...event, ...units };
    if (kinds.length > 0 && exceedsTotal(counts, [...parts, ...kinds], total)) {
      refuse(
        "other_units",
        "out_of_range",
        `Its units exceed ${total}, together with the other parts; send the full ${total}`,
      );
    }
  }
}

const TOTALS = [
  ["input_tokens", INPUT_PARTS, /^(?:input|cache)_.+_tokens$/],
  ["output_tokens", ["reasoning_tokens"], /^output_.+_tokens$/],
] as const;

/**
 * Derives the provider from the model's name where the event has none, and the counts
 * from the usage object.
 */
function deriveUsage(event: LogEvent): Derived | Promise<Derived> {
  if (event.usage !== undefined) return deriveCounts(event);
  if (event.provider !== undefined) return { stamped: {} };
  const provider = providerOf(event.model as string);
  return { stamped: provider ? { provider } : {} };
}

async function deriveCounts(event: LogEvent): Promise<Derived> {
  // Loaded with the first usage object, so that the function starts faster.
  const { extractUsage } = await import("../pricing/extract-usage.ts");
  const result = extractUsage({
    provider: event.provider as string | undefined,
    apiFlavor: event.api_flavor as string | undefined,
    model: event.model as string,
    usage: event.usage,
  });
  if ("issue" in result) return { issues: [result.issue] };
  const { counts, unread, cost, provider } = result;
  const stamped: LogEvent = { ...counts };
  if (provider !== undefined) stamped.provider = provider;
  if (unread.length > 0) stamped.unread_members = unread;
  if (cost !== undefined && event.cost_usd === undefined) {
    stamped.cost_usd_exact = cost;
  }
  return { stamped };
}

/** Whether parts exceed their total; false for invalid counts, which are other issues. */
function exceedsTotal(
  event: LogEvent,
  parts: string[],
  total: string,
): boolean {
  const counts = parts.map((part) => event[part] ?? 0);
  const limit = event[total];
  if (!isCount(limit) || !counts.every(isCount)) return false;
  return counts.reduce((sum, count) => sum + count, 0) > limit;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 &&
    Number(value) <= MAX_INTEGER;
}
