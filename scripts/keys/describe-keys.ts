import { LOGS } from "../../shared/logs/index.ts";

/** A producer key, as `list_producer_keys` describes it. */
export interface ListedKey {
  id: string;
  name: string;
  /** Tables. */
  logs: string[];
  /** Column → value. */
  scope: Record<string, string>;
  can_read: boolean;
  max_usd_day: string | null;
  max_rows_day: number | null;
  expires_at: string | null;
  revoked_at: string | null;
  is_active: boolean;
  /** What a key with a ceiling recorded in this day of UTC. */
  usd_today: string;
  rows_today: number;
}

/** A line per key: id, name, state, logs, scope, rights and ceilings. */
export function describeKeys(keys: readonly ListedKey[]): string[] {
  if (keys.length === 0) return ["No producer keys"];
  return keys.map((key) =>
    [
      key.id,
      key.name,
      describeState(key),
      key.logs.map((table) => LOGS.find((log) => log.table === table)?.slug)
        .join(","),
      describeScope(key.scope),
      key.can_read ? "reads and writes" : "write-only",
      ...describeCeilings(key),
    ].join("  ")
  );
}

function describeState({ revoked_at, expires_at, is_active }: ListedKey) {
  if (revoked_at !== null) return `revoked ${revoked_at}`;
  if (expires_at === null) return "never expires";
  return `${is_active ? "expires" : "expired"} ${expires_at}`;
}

function describeScope(scope: Record<string, string>): string {
  const parts = Object.entries(scope).map(([name, value]) =>
    `${name}=${value}`
  );
  if (!("firm_id" in scope)) parts.unshift("any firm");
  return parts.join(" ");
}

function describeCeilings(key: ListedKey): string[] {
  const { max_usd_day: usd, max_rows_day: rows } = key;
  return [
    ...usd === null ? [] : [`$${key.usd_today} of $${usd} today`],
    ...rows === null ? [] : [`${key.rows_today} of ${rows} rows today`],
  ];
}
