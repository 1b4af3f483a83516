import { decodeHex } from "@std/encoding/hex.js";
import { expect } from "vitest";
import { commitTo } from "../../scripts/verify/parse-leaf.ts";
import {
  formatLeaf,
  hideCommitted,
  layouts,
  toRowLeaf,
} from "../../shared/evidence/leaf.ts";
import type { LogName } from "../../shared/logs/index.ts";
import type { Member } from "../../shared/logs/log.ts";
import { toHex } from "../../shared/tlog/encoding.ts";
import { hashLeaf } from "../../shared/tlog/tree.ts";
import {
  AGENT,
  EVENTS,
  PROJECT,
  type Slug,
  TOOL,
  USER,
} from "./running-stack.ts";

/**
 * Events of every log, and the hashes that their senders compute from receipts.
 *
 * @module
 */

/** Events with a value in every committed column that a service may fill. */
export const FULL_EVENTS: Record<Slug, Record<string, unknown>> = {
  "llm-usage": {
    ...EVENTS["llm-usage"],
    cma_project_id: PROJECT,
    success: false,
    error_message: 'It said "no" – über all',
    created_at: "2026-10-05T09:30:00.123456Z",
  },
  "tool-usage": {
    agent_id: AGENT,
    tool_id: TOOL,
    cost_usd: "0.0017",
    created_at: "2026-10-05T09:30:00Z",
  },
  "model-usage": {
    ...EVENTS["model-usage"],
    captured_at: "2026-10-05T09:30:00Z",
    metadata: { run: 1 },
  },
  "audit": {
    ...EVENTS.audit,
    user_id: USER,
    entity_id: PROJECT,
    metadata: { file_count: 3 },
    created_at: "2026-10-05T09:30:00Z",
  },
};

/** The members of a row's leaf, from the JSON of the row. */
export function toMembers(
  log: LogName,
  row: Record<string, unknown>,
): Member[] {
  return layouts[log].map(({ name, type }) => {
    const value = row[name];
    if (value === null) return null;
    if (type === "timestamptz") return toMicroseconds(String(value));
    // The metadata of these tests has one member.
    if (type === "jsonb") return JSON.stringify(value).replace(":", ": ");
    return String(value);
  });
}

function toMicroseconds(time: string): string {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? "";
  const seconds = Date.parse(time.replace(/\.\d+/, "")) / 1_000;
  return `${seconds}${fraction.padEnd(6, "0")}`;
}

/** The leaf hash that a sender computes from the row and the receipt. */
export function hashFromReceipt(
  log: LogName,
  row: Record<string, unknown>,
  receipt: { kind: string; salts: string[]; commitments: string[] },
): string {
  const members = toMembers(log, row);
  const commitments = members
    .filter((_, at) => layouts[log][at].committed)
    .map((member, at) => commitTo(decodeHex(receipt.salts[at]), member));
  expect(receipt.commitments).toEqual(commitments);
  return toHex(hashLeaf(formatLeaf(toRowLeaf({
    kind: "row/v1",
    log,
    id: String(row.id),
    members: hideCommitted(log, members, commitments),
  }))));
}
