import { beforeEach, describe, expect, test } from "vitest";
import {
  type BundleLine,
  formatBundleLine,
  parseBundleLine,
} from "../../../scripts/verify/bundle.ts";
import { signCheckpoint } from "../../../shared/tlog/checkpoint.ts";
import { EMPTY_ROOT } from "../../../shared/tlog/tree.ts";
import { verifyBundle } from "../../../scripts/verify/verify-bundle.ts";
import { makeSigner } from "../../support/tlog-parsers.ts";
import { SyntheticLedger } from "./synthetic-ledger.ts";

const ID = "70000000-0000-4000-8000-000000000001";
const HASH = "ab".repeat(32);
const evidence = {
  kind: "row/v1" as const,
  log: "model_usage_log" as const,
  id: ID,
  hash: HASH,
  row: ["s", null, null, null, null, "n", "i", "true", "0", "{}"],
  commitments: [HASH],
  salts: ["cd".repeat(16)],
};

describe("a line of a bundle", () => {
  test.each<[string, BundleLine]>([
    ["the head", { type: "header", origin: "example.com/ledger" }],
    ["a checkpoint", { type: "checkpoint", content: "o\n1\nx\n\n— o x\n" }],
    ["a row and its leaf", { type: "leaf", index: 0, evidence }],
    ["a leaf whose row is gone", {
      type: "leaf",
      index: 1,
      evidence: { ...evidence, row: null, commitments: [], salts: [null] },
    }],
    ["a leaf about a row", {
      type: "leaf",
      index: 2,
      evidence: { data: '["x"]' },
    }],
    ["a pending row", { type: "pending", evidence }],
    ["a pending leaf about a row", {
      type: "pending",
      evidence: { data: '["x"]' },
    }],
    ["a row without leaf", { type: "row", log: "audit_log", id: ID }],
    ["the end", { type: "end", lines: 7 }],
  ])("%s parses as it was formatted", (_, line) => {
    expect(parseBundleLine(formatBundleLine(line))).toEqual(line);
  });

  test("leaves out the members of a deleted row", () => {
    const gone = { ...evidence, row: null, commitments: [], salts: [null] };
    expect(formatBundleLine({ type: "leaf", index: 5, evidence: gone })).toBe(
      `{"leaf":{"index":5,"kind":"row/v1","log":"model_usage_log","id":"${ID}","hash":"${HASH}"}}`,
    );
  });

  test("has a salt per commitment, null without salts", () => {
    const text = formatBundleLine({
      type: "pending",
      evidence: { ...evidence, salts: [] },
    });
    expect(text).toContain(`"commitments":["${HASH}"],"salts":[null]`);
    expect(parseBundleLine(text)).not.toBeNull();
  });

  const line = formatBundleLine({ type: "leaf", index: 0, evidence });
  test.each([
    ["", "no JSON"],
    ["null", "no object"],
    ["[]", "an array"],
    ["{}", "empty"],
    [`{"format":"ledger-evidence/v2","origin":"o"}`, "another format"],
    [`{"format":"ledger-evidence/v1"}`, "without origin"],
    [`{"checkpoint":1}`, "a checkpoint that is a number"],
    [`{"leaf":null}`, "a leaf that is null"],
    [`{"leaf":{"data":"x"}}`, "a leaf without index"],
    [`{"leaf":{"index":-1,"data":"x"}}`, "a negative index"],
    [`{"leaf":{"index":1.5,"data":"x"}}`, "half an index"],
    [`{"leaf":{"index":"1","data":"x"}}`, "an index that is text"],
    [`{"leaf":{"index":1,"data":null}}`, "data that is null"],
    [`{"leaf":{"index":1,"data":"\\ud800"}}`, "half of a surrogate pair"],
    [line.replace("row/v1", "seal/v1"), "a kind that has data"],
    [line.replace("model_usage", "user"), "an unknown log"],
    [line.replace(ID, ID.slice(1)), "an id that is none"],
    [line.replace(HASH, HASH.toUpperCase()), "a hash in upper case"],
    [line.replace(`"${HASH}"]`, `"${HASH.slice(2)}"]`), "a short commitment"],
    [line.replace(`["${HASH}"]`, "[]"), "too few commitments"],
    [line.replace(`["${HASH}"]`, "[null]"), "a commitment that is null"],
    [line.replace(`"commitments"`, `"commitment"`), "no commitments"],
    [line.replace(`["cd`, `[null,"cd`), "too many salts"],
    [line.replace(`["cd`, `["`), "a short salt"],
    [line.replace(`["s",`, "["), "a member too few"],
    [line.replace(`["s",`, "[1,"), "a member that is a number"],
    [
      line.replace(`["s",`, `["\\udc00",`),
      "a member with half of a surrogate pair",
    ],
    [`{"row":{"log":"audit_log"}}`, "a row without id"],
    [`{"end":{"lines":-1}}`, "an end of fewer than no lines"],
    [`{"end":1}`, "an end that is a number"],
  ])("is malformed as %j: %s", (text) => {
    expect(parseBundleLine(text)).toBeNull();
  });
});

describe("a bundle", () => {
  let ledger: SyntheticLedger;
  let lines: string[];
  beforeEach(async () => {
    ledger = await SyntheticLedger.create();
    for (let count = 0; count < 3; count++) ledger.recordCall();
    await ledger.publish();
    ledger.recordAudit();
    lines = [...ledger.lines()];
  });

  const codes = async (text: string[]) => {
    const { ok, faults } = await verifyBundle(text, ledger.policy);
    expect(ok).toBe(faults.length === 0);
    return faults.map(({ code, line }) =>
      line === undefined ? code : `${code} ${line}`
    );
  };

  test("is read from any iterable of lines", async () => {
    async function* stream() {
      for (const line of lines) yield await Promise.resolve(line);
    }
    const [one, other] = [
      await verifyBundle(lines, ledger.policy),
      await verifyBundle(stream(), ledger.policy),
    ];
    expect(one.ok).toBe(true);
    expect(other).toEqual(one);
  });

  test("that is empty or of an unknown format is cut_off", async () => {
    expect(await codes([])).toEqual(["cut_off 0", "checkpoint_missing"]);
    expect(await codes(lines.slice(1))).toEqual([
      "misplaced_line 1",
      `cut_off ${lines.length - 1}`,
      "checkpoint_missing",
    ]);
    expect(await codes(["<html>", ...lines])).toEqual([
      "misplaced_line 1",
      `cut_off ${lines.length + 1}`,
      "checkpoint_missing",
    ]);
  });

  test("that is cut off anywhere has a finding", async () => {
    for (let count = 0; count < lines.length; count++) {
      expect(await codes(lines.slice(0, count))).toContain(`cut_off ${count}`);
    }
  });

  test("that lacks any line has a finding", async () => {
    for (let at = 0; at < lines.length; at++) {
      expect(await codes(lines.toSpliced(at, 1))).not.toEqual([]);
    }
  });

  test("with lines in another order or twice has a finding", async () => {
    const [head, checkpoint, ...rest] = lines;
    expect(await codes([head, ...rest, checkpoint])).toContain(
      `misplaced_line ${lines.length}`,
    );
    expect(await codes([head, head, checkpoint, ...rest])).toContain(
      "misplaced_line 2",
    );
    expect(await codes([...lines, lines.at(-1)!])).toContain(
      `misplaced_line ${lines.length + 1}`,
    );
    expect(await codes([head, checkpoint, rest[1], rest[0], ...rest.slice(2)]))
      .toContain("index_gap");
    expect(await codes([head, checkpoint, rest[0], ...rest])).toContain(
      "index_gap",
    );
  });

  test("with a malformed line has a finding, and its other lines are verified", async () => {
    ledger.setQuietly([...ledger.rows.values()][1], "cost_usd", "0");
    const text = [...ledger.lines()];
    text.splice(-1, 0, "not JSON");
    const found = await codes(text);
    expect(found).toContain(`malformed_line ${text.length - 1}`);
    expect(found).toContain("row_differs");
  });

  test("without a trusted checkpoint has a finding", async () => {
    const { signer } = await makeSigner("example.com/ledger", "note");
    const forged = await signCheckpoint({ size: 4, root: EMPTY_ROOT }, signer);
    for (
      const content of [
        forged,
        "",
        "x\n",
        ledger.checkpoints[0].replace("\n4\n", "\n5\n"),
      ]
    ) {
      const text = lines.with(
        1,
        formatBundleLine({ type: "checkpoint", content }),
      );
      expect(await codes(text)).toEqual([
        "checkpoint_untrusted",
        "checkpoint_missing",
      ]);
    }
  });

  test("with checkpoints of another log has a finding", async () => {
    const head = formatBundleLine({
      type: "header",
      origin: "example.com/other",
    });
    expect(await codes(lines.with(0, head))).toEqual([
      "checkpoint_untrusted",
      "checkpoint_missing",
    ]);
  });

  test("needs its own checkpoint beside held ones", async () => {
    const text = lines.toSpliced(1, 1).with(
      -1,
      formatBundleLine({ type: "end", lines: lines.length - 2 }),
    );
    const { faults } = await verifyBundle(text, ledger.policy, {
      heldCheckpoints: ledger.checkpoints,
    });
    expect(faults.map(({ code }) => code)).toEqual(["checkpoint_missing"]);
  });

  test("has a quorum when one of equal checkpoints has one", async () => {
    const poor = await ledger.sign(0);
    const rich = ledger.checkpoints[0];
    for (const checkpoints of [[poor, rich], [rich, poor]]) {
      ledger.checkpoints = checkpoints;
      expect(await codes([...ledger.lines()])).toEqual([]);
    }
    ledger.checkpoints = [poor];
    expect(await codes([...ledger.lines()])).toEqual(["quorum_missing"]);
  });

  test("has findings without values of rows", async () => {
    ledger = await SyntheticLedger.create();
    const row = ledger.recordAudit({
      metadata: '{"secret": 1}',
      ip_address: "192.0.2.77",
    });
    await ledger.publish();
    ledger.setQuietly(row, "metadata", '{"secret": 2}');
    ledger.setQuietly(row, "action", "secret_action");
    const { faults } = await verifyBundle(ledger.lines(), ledger.policy);
    expect(faults.map(({ code }) => code).sort()).toEqual([
      "commitment_differs",
      "row_differs",
    ]);
    expect(JSON.stringify(faults)).not.toMatch(/secret|192\.0/);
  });
});
