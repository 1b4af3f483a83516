import type { ImportAnswer, PriceChange } from "./import-request.ts";

/** Most changes that are printed; the others are counted. */
export const MAX_LISTED = 50;

/** The changes of an import, line by line. */
export function describeImport(answer: ImportAnswer): string[] {
  const suspicious = answer.suspicious.map((change) =>
    `suspicious: ${describeChange(change)}: ${change.why}`
  );
  return [
    `${answer.new} new, ${answer.corrected} corrected, ${answer.unchanged} unchanged, ` +
    `${answer.unlisted} no longer listed (they stay), ${answer.withheld} withheld`,
    ...cut(answer.changed.map(describeChange)),
    ...cut(suspicious),
  ];
}

/** One line, such as `openai gpt-5: input 3 → 2.5 USD/M from 2026-01-01`. */
export function describeChange(change: PriceChange): string {
  const { provider, service_tier, column, from, to } = change;
  const tier = service_tier ? ` (${service_tier})` : "";
  const [name, unit] = nameColumn(column);
  return `${provider} ${nameMatch(change)}${tier}: ${name} ` +
    `${from ?? "unknown"} → ${to ?? "unknown"}${unit} ${nameTime(change)}`;
}

function cut(lines: string[]): string[] {
  const more = lines.length - MAX_LISTED;
  return more <= 0
    ? lines
    : [...lines.slice(0, MAX_LISTED), `… and ${more} more`];
}

/** The name and the unit of a price. */
function nameColumn(column: string): [string, string] {
  if (column === "request_usd") return ["request", " USD"];
  if (column === "implies_provider" || column === "effective_to") {
    return [column.replaceAll("_", " "), ""];
  }
  const name = column.replace(/_usd_per_mtok\b/, "").replaceAll("_", " ");
  return [name, " USD/M"];
}

function nameMatch({ match_kind, match_value }: PriceChange): string {
  switch (match_kind) {
    case "starts_with":
      return `${match_value}…`;
    case "ends_with":
      return `…${match_value}`;
    case "contains":
      return `…${match_value}…`;
    case "regex":
      return `/${match_value}/`;
    default:
      return match_value;
  }
}

function nameTime(change: PriceChange): string {
  const { effective_from, daily_from, daily_to } = change;
  const day = effective_from.slice(0, 10);
  const start = day === "1970-01-01" ? "from the start" : `from ${day}`;
  return daily_from ? `${start}, ${daily_from} to ${daily_to} UTC` : start;
}
