import * as z from "zod";
import { readOne, requireKnown } from "../http/parameters.ts";
import { llmUsageLog } from "../logs/llm-usage-log.ts";
import { toolUsageLedger } from "../logs/tool-usage-ledger.ts";
import { ALIASES, UNITS } from "./aliases.ts";
import type { Attributes, AttributeValue, Span } from "./span.ts";

export { ALIASES };

/** Settings that spans do not carry by convention, without their prefix `ledger.`. */
export const LEDGER_NAMES = [
  "firm_id",
  "cma_project_id",
  "task_type",
  "agent_id",
  "tool_id",
  "venture_id",
  "token_convention",
] as const;

type LedgerName = typeof LEDGER_NAMES[number];

/**
 * Prefixes of the settings' names: senders put metadata that a program sets under a
 * prefix of their own.
 */
const SETTING_PREFIXES = [
  "",
  "ai.telemetry.metadata.",
  "traceloop.association.properties.",
  "langfuse.trace.metadata.",
  "langfuse.observation.metadata.",
  "langsmith.metadata.",
  "mastra.metadata.",
  // OpenInference's metadata is JSON.
  "metadata/",
];

/** The attribute names of a setting, by precedence. */
const SETTING_NAMES = Object.fromEntries(
  LEDGER_NAMES.map((name) => [
    name,
    SETTING_PREFIXES.map((prefix) => `${prefix}ledger.${name}`),
  ]),
) as Record<LedgerName, string[]>;

/** The names of all attributes that are read, and of members of those in JSON. */
const READ_NAMES = [
  ...Object.values(ALIASES).flat(),
  ...Object.values(UNITS).flat(),
  ...Object.values(SETTING_NAMES).flat(),
];

/**
 * All attributes that are read, besides those of `JSON_MEMBERS` and the counts of
 * `isUsageName`. The decoders skip all others, so prompts, completions, tool arguments
 * and results are never kept.
 */
export const KEPT_ATTRIBUTES: ReadonlySet<string> = new Set(
  READ_NAMES.filter((name) => !name.includes("/")),
);

/**
 * Attribute in JSON → JSON Pointers to the members that are read; the rest of its text
 * is not kept.
 */
export const JSON_MEMBERS: ReadonlyMap<string, readonly string[]> =
  groupPointers(READ_NAMES);

function groupPointers(names: readonly string[]): Map<string, string[]> {
  const members = new Map<string, string[]>();
  for (const name of names) {
    const slash = name.indexOf("/");
    if (slash < 0) continue;
    const attribute = name.slice(0, slash);
    const pointers = members.get(attribute) ?? [];
    members.set(attribute, [...pointers, name.slice(slash)]);
  }
  return members;
}

/** The first of the names with a value that is not empty, and the value. */
export function findAttribute(
  attributes: Attributes,
  names: readonly string[],
): { name: string; value: AttributeValue } | undefined {
  for (const name of names) {
    const value = attributes.get(name);
    if (value !== undefined && value !== "") return { name, value };
  }
}

/** The first text of the names that is not blank, trimmed; "" if there is none. */
export function findText(
  attributes: Attributes,
  names: readonly string[],
): string {
  for (const name of names) {
    const value = attributes.get(name);
    if (typeof value === "string" && value.trim() !== "") return value.trim();
  }
  return "";
}

/** The values of settings. */
export type LedgerSettings = Partial<Record<LedgerName, string>>;

/** The only setting that is not a column of one of the logs. */
const convention = z.enum(
  ["inclusive", "exclusive"],
  "Expected inclusive or exclusive",
);

/**
 * Reads the settings in the query of the endpoint's URL (`?firm_id=…`), the defaults
 * of every span.
 *
 * @throws {ProblemError} 400 that names an unknown, malformed or repeated parameter.
 */
export function readUrlSettings(query: URLSearchParams): LedgerSettings {
  requireKnown(query, [...LEDGER_NAMES]);
  const settings: LedgerSettings = {};
  for (const name of LEDGER_NAMES) {
    const value = readOne(query, name, schemaOf(name));
    if (value !== null) settings[name] = value;
  }
  return settings;
}

/** The value of a setting: of the span, else of its resource, else of the URL. */
export function findSetting(
  name: LedgerName,
  span: Span,
  url: LedgerSettings,
): string | undefined {
  for (const attributes of [span.attributes, span.resource]) {
    const value = findText(attributes, SETTING_NAMES[name]);
    if (value !== "") return value;
  }
  return url[name];
}

/** The reason and the remedy for a missing setting. */
export function explainMissing(name: LedgerName): string {
  return `ledger.${name} is not set: set it as an attribute of the span or of its resource, or ${name} in the URL of the endpoint`;
}

function schemaOf(name: LedgerName): z.ZodType<string> {
  if (name === "token_convention") return convention;
  const calls = llmUsageLog.event.shape;
  const uses = toolUsageLedger.event.shape;
  return (calls[name] ?? uses[name]) as z.ZodType<string>;
}
