import { LEDGER_NAMES, type LedgerName } from "./attribute-names.ts";
import type { Span } from "./span.ts";

/** What an event needs and a span does not carry, as far as it is set. */
export type LedgerSettings = Partial<Record<LedgerName, string>>;

/**
 * Reads the settings in the query of the endpoint's URL (`?firm_id=…`), which
 * hold for every span that does not say otherwise.
 */
export function readUrlSettings(
  query: URLSearchParams,
): { settings: LedgerSettings } | { reason: string } {
  const settings: LedgerSettings = {};
  for (const name of new Set(query.keys())) {
    if (!isLedgerName(name)) {
      const reason = `The URL has an unknown parameter; known are ${
        LEDGER_NAMES.join(", ")
      }`;
      return { reason };
    }
    const values = query.getAll(name).map((value) => value.trim());
    if (values.length > 1) {
      return { reason: `The URL has the parameter ${name} more than once` };
    }
    if (values[0] !== "") settings[name] = values[0];
  }
  return { settings };
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

function isLedgerName(name: string): name is LedgerName {
  return (LEDGER_NAMES as readonly string[]).includes(name);
}
