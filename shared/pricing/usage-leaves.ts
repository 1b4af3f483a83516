/** A scalar member of a usage object. */
export interface UsageLeaf {
  /**
   * Its path in snake case, which is common to the spellings of a member:
   * `inputTokenDetails.cacheReadTokens` and `input_token_details.cache_read_tokens` are
   * `input_details.cache_read_tokens`. An item of a list has the name that
   * distinguishes it: `promptTokensDetails` of AUDIO is `input_details[audio]`.
   */
  name: string;
  /** The keys and indexes that lead to it in the event. */
  path: readonly PropertyKey[];
  value: unknown;
}

/** Members that wrap a usage object, in snake case. */
const WRAPPERS = new Set([
  "usage",
  "usage_metadata",
  "usage_info",
  "token_usage",
  "meta",
  "response",
  "result",
  "additional_kwargs",
  "amazon_bedrock_invocation_metrics",
]);

/** Spellings of the members that hold parts of a total. */
const CONTAINERS: readonly [RegExp, string][] = [
  [/^(?:prompt|input)_tokens?_details$/, "input_details"],
  [
    /^(?:completion|output|candidates|response)_tokens?_details$/,
    "output_details",
  ],
  [/^tool_use_prompt_tokens?_details$/, "tool_details"],
];

/** The members of an item of a list that distinguish it from the others. */
const DISCRIMINATORS = ["modality", "ttl", "type"];

/** The members of an item of a list that count it, in snake case. */
const ITEM_COUNTS = new Set(["token_count", "tokens", "input_tokens"]);

/** Every scalar member of a usage object, null included. */
export function readLeaves(usage: unknown): UsageLeaf[] {
  const leaves: UsageLeaf[] = [];
  visit(usage, "", ["usage"], leaves);
  return leaves;
}

/** The name of a member in snake case. */
export function toSnakeCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase()
    .replace(/[^a-z0-9]+/g, "_");
}

function visit(
  value: unknown,
  name: string,
  path: readonly PropertyKey[],
  leaves: UsageLeaf[],
): void {
  if (typeof value !== "object" || value === null) {
    leaves.push({ name, path, value });
  } else if (Array.isArray(value)) {
    value.forEach((item, index) =>
      visitItem(item, name, [...path, index], leaves)
    );
  } else {
    for (const [key, member] of Object.entries(value)) {
      visit(member, join(name, stepOf(key, member)), [...path, key], leaves);
    }
  }
}

function visitItem(
  item: unknown,
  name: string,
  path: readonly PropertyKey[],
  leaves: UsageLeaf[],
): void {
  if (typeof item !== "object" || item === null || Array.isArray(item)) {
    return visit(item, `${name}[]`, path, leaves);
  }
  const members = item as Record<string, unknown>;
  const kind = DISCRIMINATORS.map((member) => members[member])
    .find((value) => typeof value === "string");
  const itemName = `${name}[${toSnakeCase(kind as string ?? "")}]`;
  for (const [key, member] of Object.entries(members)) {
    const step = toSnakeCase(key);
    if (DISCRIMINATORS.includes(step)) continue;
    const memberName = ITEM_COUNTS.has(step) ? itemName : join(itemName, step);
    visit(member, memberName, [...path, key], leaves);
  }
}

/** A member's step in the name; a wrapper has none. */
function stepOf(key: string, member: unknown): string {
  const { step, isWrapper } = nameStep(key);
  return isWrapper && typeof member === "object" ? "" : step;
}

interface Step {
  step: string;
  isWrapper: boolean;
}

/** Steps by key, because the same few keys are in all usage objects. */
const steps = new Map<string, Step>();
const MAX_STEPS = 1_000;

function nameStep(key: string): Step {
  let known = steps.get(key);
  if (known === undefined) {
    const step = toSnakeCase(key);
    known = {
      step: CONTAINERS.find(([spellings]) => spellings.test(step))?.[1] ?? step,
      isWrapper: WRAPPERS.has(step),
    };
    if (steps.size < MAX_STEPS) steps.set(key, known);
  }
  return known;
}

function join(name: string, step: string): string {
  return name && step ? `${name}.${step}` : name || step;
}
