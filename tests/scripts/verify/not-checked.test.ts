import { beforeEach, describe, expect, test } from "vitest";
import {
  listBundleLimits,
  listProofLimits,
  listTreeLimits,
} from "../../../scripts/verify/not-checked.ts";
import {
  checkReceipt,
  type GivenReceipt,
} from "../../../scripts/verify/receipts.ts";
import type { Trust } from "../../../scripts/verify/report.ts";
import { verifyBundle } from "../../../scripts/verify/verify-bundle.ts";
import {
  verifyCheckpoint,
  verifyConsistencyProof,
} from "../../../scripts/verify/verify-checkpoint.ts";
import type { Policy } from "../../../shared/tlog/policy.ts";
import { makeSigner } from "../../support/tlog-parsers.ts";
import { openTrusted } from "../../support/evidence-stack.ts";
import {
  SyntheticLedger,
  type SyntheticRow,
  uuid,
} from "./synthetic-ledger.ts";

let ledger: SyntheticLedger;
let audits: SyntheticRow[];
let unwitnessed: Policy;

/** A ledger with a row of every log, under two checkpoints of 6 and 8 leaves. */
beforeEach(async () => {
  ledger = await SyntheticLedger.create();
  unwitnessed = { ...ledger.policy, witnesses: [], quorum: null };
  ledger.recordCall();
  audits = [ledger.recordAudit(), ledger.recordAudit()];
  ledger.record("tool_usage_ledger", {
    agent_id: uuid("4", 1),
    tool_id: uuid("5", 1),
  });
  ledger.record("model_usage_log", {
    reported_model_name: "a",
    reported_model_id: "b",
  });
  await ledger.publish();
  ledger.recordCall();
  await ledger.publish();
});

const trust = (policy: Policy, held: string[] = []): Trust => ({
  policy,
  held,
  receipts: [],
});

/** The limits of the ledger's bundle. */
async function limits(
  policy = ledger.policy,
  heldCheckpoints: string[] = [],
): Promise<string[]> {
  const verdict = await verifyBundle(ledger.lines(), policy, {
    heldCheckpoints,
  });
  expect(verdict.faults).toEqual([]);
  return listBundleLimits(verdict, trust(policy, heldCheckpoints));
}

const ALWAYS = [
  "changes and deletions of rows before a checkpoint covered them: no trace is left",
  "rows that the bundle omits: rows after its newest checkpoint, of 8 leaves, and rows without a leaf",
];
const UNTIMED =
  "when the checkpoint was signed, and whether a newer one exists: only the cosignature of a trusted witness has a time";
const TIMED =
  "whether a newer checkpoint exists: a witness cosigned this one at 2027-01-15T08:00:00.000000Z";
const UNHELD =
  "whether leaves were dropped, or rewritten with the log's key: a checkpoint that was kept apart shows that (--held)";
const HELD =
  "whether leaves that the held checkpoint of 6 leaves does not cover were rewritten with the log's key";
const SPLIT =
  "whether the log shows others the same tree (a split view): witnesses in a --policy prove that";
const CONTENT =
  "the content of the leaves: a bundle, or the proof of a row, shows that";

describe("the limits of a bundle", () => {
  test("with a quorum of witnesses are the omitted rows and the time", async () => {
    expect(await limits()).toEqual([...ALWAYS, TIMED]);
  });

  test("without witnesses and held checkpoints are the whole history", async () => {
    expect(await limits(unwitnessed))
      .toEqual([...ALWAYS, UNTIMED, UNHELD, SPLIT]);
  });

  test("with held checkpoints are the leaves beyond the largest", async () => {
    const [older, newest] = ledger.checkpoints;
    expect(await limits(unwitnessed, [older]))
      .toEqual([...ALWAYS, UNTIMED, HELD, SPLIT]);
    expect(await limits(unwitnessed, [newest, older]))
      .toEqual([...ALWAYS, UNTIMED, SPLIT]);
    expect(await limits(ledger.policy, [older])).toEqual([...ALWAYS, TIMED]);
  });

  test("with witnesses but no quorum have a time", async () => {
    const policy = { ...ledger.policy, quorum: null };
    expect(await limits(policy)).toEqual([...ALWAYS, TIMED, UNHELD, SPLIT]);
  });

  test("with keys of several logs are which log it is", async () => {
    const other = await makeSigner("example.com/other", "note");
    const sameLog = await makeSigner("example.com/ledger", "note");
    const { logs } = ledger.policy;
    const add = ({ signer }: typeof other) => ({
      ...ledger.policy,
      logs: [...logs, { key: signer.verifier }],
    });
    expect(await limits(add(other))).toContain(
      'whether "example.com/ledger" is the log that you expect: the trusted keys are of 2 logs',
    );
    expect(await limits(add(sameLog))).toEqual([...ALWAYS, TIMED]);
  });

  test("with pending leaves are their content", async () => {
    ledger.recordCall();
    ledger.cascade(ledger.recordAudit());
    expect(await limits()).toContain(
      "pending leaves (3): no checkpoint covers them, so they could be changed or omitted; seal, export and verify again",
    );
  });

  test("with deleted rows and erased values are their content", async () => {
    ledger.nullReference(audits[0], "user_id");
    ledger.redact(audits[0], "metadata");
    ledger.cascade(audits[1]);
    await ledger.publish();
    expect(await limits()).toContain(
      "the content of deleted rows (1), the content of erased values (2), and the reasons: hashes are left; ask the operator",
    );
  });

  test("with backfilled rows are their changes before", async () => {
    ledger.record("llm_usage_log", { model: "m" }, "backfill/v1");
    await ledger.publish();
    expect(await limits()).toContain(
      "changes of backfilled rows (1) before evidence was set up",
    );
  });

  test("without a row of a log are that log", async () => {
    ledger = await SyntheticLedger.create();
    ledger.recordCall();
    ledger.recordAudit();
    await ledger.publish();
    expect(await limits()).toContain(
      "rows of tool_usage_ledger, model_usage_log: the bundle has none",
    );
  });

  test("without a trusted checkpoint are in its findings", async () => {
    ledger.checkpoints = [];
    const verdict = await verifyBundle(ledger.lines(), ledger.policy);
    expect(verdict.ok).toBe(false);
    expect(listBundleLimits(verdict, trust(ledger.policy))).toEqual([]);
  });
});

describe("the limits of the proof of a row", () => {
  const list = async (row: { isDeleted: boolean; isUnopened: boolean }) =>
    listProofLimits(
      await openTrusted(ledger.checkpoints[1], ledger.policy),
      trust(ledger.policy),
      { covered: null },
      row,
    );

  test("of an existing row are the table and the committed values", async () => {
    const TABLE =
      "whether the row is still in its table, and unchanged: a bundle shows that";
    expect(await list({ isDeleted: false, isUnopened: false }))
      .toEqual([TABLE, TIMED]);
    expect(await list({ isDeleted: false, isUnopened: true })).toEqual([
      TABLE,
      "the committed values: the receipt of the row opens them (--receipt), or a bundle",
      TIMED,
    ]);
  });

  test("of a deleted row are the reason", async () => {
    expect(await list({ isDeleted: true, isUnopened: false }))
      .toEqual(["why the row no longer exists: a bundle shows that", TIMED]);
  });
});

describe("the limits of a checkpoint", () => {
  const list = async (at: number, held: string[]) =>
    (await verifyCheckpoint(ledger.checkpoints[at], trust(unwitnessed, held)))
      .notChecked;

  test("are the leaves, the time and the history", async () => {
    expect(await list(1, [])).toEqual([CONTENT, UNTIMED, UNHELD, SPLIT]);
  });

  test("are the history from another held checkpoint on", async () => {
    const [older, newest] = ledger.checkpoints;
    expect(await list(1, [newest])).toEqual([CONTENT, UNTIMED, SPLIT]);
    expect(await list(1, [older])).toEqual([
      CONTENT,
      UNTIMED,
      "whether this tree and that of the held checkpoint of 6 leaves are consistent: a bundle, the URL or a consistency proof shows that",
      SPLIT,
    ]);
  });

  test("of a URL are the same", async () => {
    const opened = await openTrusted(ledger.checkpoints[1], unwitnessed);
    const [older] = ledger.checkpoints;
    expect(listTreeLimits(opened, trust(unwitnessed, [older]), { covered: 6 }))
      .toEqual([CONTENT, UNTIMED, HELD, SPLIT]);
  });
});

test("the limits of a consistency proof are the leaves after it", async () => {
  const [older, newest] = ledger.checkpoints;
  const proof = { from: 8, to: 8, hashes: [], checkpoint: newest };
  const { findings, notChecked } = await verifyConsistencyProof(
    proof,
    trust(unwitnessed, [newest]),
  );
  expect(findings).toEqual([]);
  expect(notChecked).toEqual([CONTENT, UNTIMED, SPLIT]);
  // A proof that does not hold covers nothing.
  const failed = await verifyConsistencyProof(
    { ...proof, from: 6 },
    trust(unwitnessed, [older]),
  );
  expect(failed.findings).toHaveLength(1);
  expect(failed.notChecked).toEqual([CONTENT, UNTIMED, SPLIT]);
});

describe("the limits of a receipt", () => {
  const ID = uuid("7", 1);
  /** The receipt of the first call, with the row of its answer. */
  function receiptOf(row: GivenReceipt["row"]): GivenReceipt {
    const leaf = ledger.leaves[0] as { hash: string; commitments: string[] };
    const salts = ledger.salts.get(ID)!;
    const { hash, commitments } = leaf;
    return { id: ID, kind: "row/v1", hash, commitments, salts, row };
  }
  const answer = {
    id: ID,
    firm_id: uuid("f", 1),
    cma_project_id: uuid("c", 1),
    model: "gemini-2.0-flash",
    task_type: "extraction",
    input_tokens: "1000",
    output_tokens: "80",
    cost_usd: "0.000124",
    latency_ms: null,
    success: "true",
    error_message: null,
    created_at: new Date(1_791_192_600_000).toISOString(),
  };

  test("without a row are the row", () => {
    const receipt = receiptOf(null);
    expect(checkReceipt(receipt, { index: 0 }).notChecked)
      .toEqual([`the row of the leaf ${receipt.hash}: the answer lacks it`]);
  });

  test("with its row are the members that no leaf has", () => {
    const list = (row: GivenReceipt["row"]) => {
      const { findings, notChecked } = checkReceipt(receiptOf(row), {
        index: 0,
      });
      expect(findings).toEqual([]);
      return notChecked;
    };
    expect(list(answer)).toEqual([]);
    expect(list({ ...answer, provider: "google" })).toEqual([
      `the other members of the answer about ${ID}: no leaf has them`,
    ]);
  });
});
