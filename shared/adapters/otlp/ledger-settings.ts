import * as z from "zod";
import { readOne, requireKnown } from "../../http/query.ts";
import { llmUsageLog } from "../../logs/llm-usage-log.ts";
import { toolUsageLedger } from "../../logs/tool-usage-ledger.ts";
import { LEDGER_NAMES, type LedgerName } from "./attribute-names.ts";
import type { Span } from "./span.ts";

/** What an event needs and a span does not carry, as far as it is set. */
export type LedgerSettings = Partial<Record<LedgerName, string>>;

/** What a setting must look like; else a column of either log says it. */
const convention = z.enum(
  ["inclusive", "exclusive"],
  "Expected inclusive or exclusive",
);

/**
 * Reads the settings in the query of the endpoint's URL (`?firm_id=…`), which
 * hold for every span that does not say otherwise.
 *
 * @throws {ProblemError} 400 that names a parameter that is unknown, malformed or
 * given twice: the URL is wrong, whatever is sent to it.
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

/** One setting: from the span, else its resource, else the URL. */
export function findSetting(
  name: LedgerName,
  span: Span,
  url: LedgerSettings,
): string | undefined {
  const key = `ledger.${name}`;
  for (const attributes of [span.attributes, span.resource]) {
    const value = attributes.get(key);
    if (typeof value === "string" && value.trim() !== "") return value.trim();
  }
  return url[name];
}

/** Says where a setting that is missing can be set. */
export function explainMissing(name: LedgerName): string {
  return `ledger.${name} is not set: set it as an attribute of the span or of its resource, or ${name} in the URL of the endpoint`;
}

function schemaOf(name: LedgerName): z.ZodType<string> {
  if (name === "token_convention") return convention;
  const calls = llmUsageLog.event.shape;
  const uses = toolUsageLedger.event.shape;
  return (calls[name] ?? uses[name]) as z.ZodType<string>;
}
