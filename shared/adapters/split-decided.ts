import type { LogEvent } from "../logs/log.ts";

/** Members that only adapters of model calls decide, and their columns. */
const COLUMNS: Record<string, string> = {
  reported_cost_usd: "cost_usd_exact",
  token_convention: "token_convention",
  convention_basis: "convention_basis",
};

/**
 * Splits an event of an adapter into the members that its sender said, which the
 * log's schema checks and a repeated delivery is compared on, and the columns that
 * the adapter decided. Never call it where a sender chooses the names of members.
 */
export function splitDecided(
  event: LogEvent,
): { said: LogEvent; decided: LogEvent } {
  const said: LogEvent = {};
  const decided: LogEvent = {};
  for (const [member, value] of Object.entries(event)) {
    if (Object.hasOwn(COLUMNS, member)) {
      decided[COLUMNS[member]] = value;
    } else said[member] = value;
  }
  return { said, decided };
}
