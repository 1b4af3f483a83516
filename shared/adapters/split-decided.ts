import type { LogEvent } from "../logs/log.ts";
import type { AdaptedEvent } from "./adapter.ts";

/**
 * What adapters of model calls decide beyond what an event may say, and the
 * column that keeps it.
 */
const COLUMNS: Record<string, string> = {
  reported_cost_usd: "cost_usd_exact",
  token_convention: "token_convention",
  convention_basis: "convention_basis",
};

/**
 * Splits an adapted event into what its sender said, which the log's schema
 * checks and which a repeated delivery is compared on, and what the adapter
 * decided, by column. The latter is stored without being compared, because how it
 * is decided may improve.
 */
export function splitDecided(
  { event, decides = false }: AdaptedEvent,
): { said: LogEvent; decided: LogEvent } {
  const said: LogEvent = {};
  const decided: LogEvent = {};
  for (const [member, value] of Object.entries(event)) {
    if (decides && Object.hasOwn(COLUMNS, member)) {
      decided[COLUMNS[member]] = value;
    } else said[member] = value;
  }
  return { said, decided };
}
