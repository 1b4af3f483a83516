import { beforeAll, expect, test } from "vitest";
import { verifyBundle } from "../../../scripts/verify/verify-bundle.ts";
import { LOG_NAMES } from "../../../shared/logs/index.ts";
import {
  kindOf,
  mutateLines,
  mutateMembers,
  type Mutation,
} from "./mutations.ts";
import { SyntheticLedger, uuid } from "./synthetic-ledger.ts";

let ledger: SyntheticLedger;
let lines: string[];

/** A bundle with every kind of leaf at least twice, where two leaves can be confused. */
beforeAll(async () => {
  ledger = await SyntheticLedger.create();
  const call = ledger.recordCall();
  const audits = [1, 2, 3, 4].map(() => ledger.recordAudit());
  const models = ["row/v1", "backfill/v1"].map((kind) =>
    ledger.record("model_usage_log", {
      reported_model_name: "a",
      reported_model_id: "b",
    }, kind as "row/v1")
  );
  await ledger.publish();
  ledger.record("tool_usage_ledger", {
    agent_id: uuid("4", 1),
    tool_id: uuid("5", 1),
  });
  ledger.nullReference(audits[0], "user_id");
  ledger.nullReference(call, "cma_project_id");
  ledger.redact(audits[0], "metadata");
  ledger.redact(audits[1], "ip_address");
  for (const row of [audits[2], audits[3], models[1]]) ledger.cascade(row);
  await ledger.publish();
  const unsigned = [1, 2, 3].map(() => ledger.recordAudit());
  ledger.redact(unsigned[0], "metadata");
  ledger.cascade(unsigned[1]);
  lines = [...ledger.lines()];
});

/** Mutations that are accepted although the bundle has another text: reason → which. */
const ACCEPTED: Record<string, (mutation: Mutation) => boolean> = {
  "the newest checkpoint covers the leaves of an older one": (
    { at, operation },
  ) => at === OLDER && /^removed, re/.test(operation),
  "a checkpoint says the same when it is repeated": ({ kind, operation }) =>
    kind === "checkpoint" && /^duplicated, re/.test(operation),
  "a signature says the same when it is repeated": (
    { kind, path, operation },
  ) =>
    kind === "checkpoint" && /^opened\.[4-6]$/.test(path) &&
    operation === "duplicated",
  "only the newest checkpoint needs the quorum": ({ at, path, operation }) =>
    at === OLDER && /^opened\.[56]$/.test(path) && operation === "removed",
  "no signature covers a pending row": ({ kind, operation }) =>
    kind === "pending" && /^removed, re/.test(operation),
  "no signature covers the ticket and the approvers of a pending erasure": (
    { kind, path, operation },
  ) =>
    kind === "pending with data" && /^opened\.[456]$/.test(path) &&
    operation.startsWith("changed"),
};

/** The index of the line with the older checkpoint. */
const OLDER = 1;

/** A bundle's lines, in one order where the format sets none. */
function toContent(bundle: readonly string[]): string {
  const orderOf = (line: string) => {
    const [kind] = kindOf(line).split(" ");
    return kind === "checkpoint" || kind === "pending" ? line : "";
  };
  return bundle
    .toSorted((a, b) =>
      orderOf(a) < orderOf(b) ? -1 : Number(orderOf(a) > orderOf(b))
    )
    .join("\n");
}

test("the bundle is accepted, and has every kind of line", async () => {
  const { faults } = await verifyBundle(lines, ledger.policy);
  expect(faults).toEqual([]);
  expect([...new Set(lines.map(kindOf))]).toEqual([
    "format",
    "checkpoint",
    "leaf",
    "leaf without row",
    "leaf with data",
    "pending",
    "pending without row",
    "pending with data",
    "end",
  ]);
});

test("no mutation is accepted unless the bundle says the same", async () => {
  const content = toContent(lines);
  const reasons = new Set<string>();
  let count = 0;
  for (
    const mutation of [
      ...mutateMembers(lines),
      ...mutateLines(lines, LOG_NAMES),
    ]
  ) {
    count += 1;
    const { ok } = await verifyBundle(mutation.lines, ledger.policy);
    if (!ok || toContent(mutation.lines) === content) continue;
    const [reason] = Object.entries(ACCEPTED)
      .find(([, isThis]) => isThis(mutation)) ?? [];
    const { at, path, operation } = mutation;
    expect(reason, `${path} ${operation}, of ${lines[at]}`).toBeDefined();
    reasons.add(reason!);
  }
  expect(count).toBeGreaterThan(3_000);
  expect([...reasons].sort()).toEqual(Object.keys(ACCEPTED).sort());
});

test("a row without a leaf is a finding wherever it is added", async () => {
  const row = JSON.stringify({
    row: { log: "audit_log", id: uuid("7", 99) },
  });
  for (let at = 0; at <= lines.length; at++) {
    const { ok } = await verifyBundle(
      lines.toSpliced(at, 0, row),
      ledger.policy,
    );
    expect(ok).toBe(false);
  }
});

test("the kind of the leaf of each deleted row is bound", async () => {
  const other = lines.map((line) =>
    kindOf(line) === "leaf without row"
      ? line.replace(
        /"(row|backfill)\/v1"/,
        (kind) => kind === '"row/v1"' ? '"backfill/v1"' : '"row/v1"',
      )
      : line
  );
  const { faults } = await verifyBundle(other, ledger.policy);
  expect(faults.map(({ code }) => code))
    .toEqual(new Array(3).fill("tombstone_differs"));
});
