import { beforeAll, describe, expect, test } from "vitest";
import { signCheckpoint } from "../../shared/tlog/checkpoint.ts";
import { cosign, formatNote } from "../../shared/tlog/note.ts";
import type { Policy } from "../../shared/tlog/policy.ts";
import { proveInclusion } from "../../shared/tlog/proofs.ts";
import { hashTree } from "../../shared/tlog/tree.ts";
import {
  formatTlogProof,
  parseTlogProof,
  type TlogProof,
  verifyTlogProof,
} from "../../shared/tlog/tlog-proof.ts";
import {
  makeSigner,
  readNote,
  readPolicy,
  readProof,
} from "../support/tlog-parsers.ts";
import { makeLeaves, tilesOf } from "./synthetic-tiles.ts";

const HASHES = `gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=
`;

/** The example of C2SP tlog-proof, whose signatures are cut short there. */
const EXAMPLE = `c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
${HASHES}
example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

— example.com/fancylog hI2DJwECAwQ=
`;

describe("the example of C2SP tlog-proof", () => {
  test("parses, and formats to the same text", () => {
    const proof = readProof(EXAMPLE);
    expect(proof.index).toBe(73_894);
    expect(proof.hashes).toHaveLength(5);
    expect(proof.extra).toHaveLength(39);
    expect(proof.checkpoint).toMatch(/^example\.com\/fancylog\n109482\n/);
    expect(formatTlogProof(proof)).toBe(EXAMPLE);
  });
});

describe("parseTlogProof()", () => {
  test.each([
    ["is empty", ""],
    ["has another version", EXAMPLE.replace("@v1", "@v2")],
    ["has no version", EXAMPLE.slice(EXAMPLE.indexOf("\n") + 1)],
    ["has no index", EXAMPLE.replace("index 73894\n", "")],
    ["has a negative index", EXAMPLE.replace("73894", "-1")],
    ["has an index with a zero", EXAMPLE.replace("73894", "073894")],
    ["has an index that is a word", EXAMPLE.replace("73894", "five")],
    [
      "has its index before its extra data",
      EXAMPLE.replace(/(extra .*\n)(index .*\n)/, "$2$1"),
    ],
    ["has extra data twice", EXAMPLE.replace(/(extra .*\n)/, "$1$1")],
    ["has extra data that is not base64", EXAMPLE.replace("YWdl", "YW-l")],
    ["has a hash that is too short", EXAMPLE.replace("gSKyXoYZ", "gSKy")],
    ["has a hash that is not base64", EXAMPLE.replace("gSKyXoYZ", "!!!!!!!!")],
    ["has too many hashes", EXAMPLE.replace(HASHES, HASHES.repeat(13))],
    ["has no checkpoint", EXAMPLE.slice(0, EXAMPLE.indexOf("\n\n") + 1)],
    ["is too long", EXAMPLE + "x".repeat(1_000_000)],
  ])("rejects a proof that %s", (_, content) => {
    expect(parseTlogProof(content)).toHaveProperty("fault");
  });
});

describe("a proof", () => {
  const leaves = makeLeaves(20);
  const index = 11;
  let policy: Policy;
  let proof: TlogProof;

  beforeAll(async () => {
    const log = await makeSigner("example.com/ledger", "note");
    const witness = await makeSigner("witness.example/w", "cosignature");
    policy = readPolicy(
      `log ${log.vkey}\nwitness w ${witness.vkey}\nquorum w\n`,
    );
    const root = hashTree(leaves);
    const note = readNote(await signCheckpoint({ size: 20, root }, log.signer));
    const cosignature = await cosign(note.text, witness.signer, 7n);
    const signatures = [...note.signatures, cosignature];
    proof = {
      index,
      hashes: await proveInclusion(tilesOf(leaves), index, 20),
      checkpoint: formatNote({ ...note, signatures }),
    };
  });

  test("verifies that its leaf is in the log", async () => {
    const parsed = parseTlogProof(formatTlogProof(proof));
    expect(parsed).toEqual({ proof });
    expect(await verifyTlogProof(proof, leaves[index], policy)).toMatchObject({
      checkpoint: { size: 20 },
      cosigned: new Map([["w", 7n]]),
    });
  });

  test("keeps extra data", () => {
    const extra = new Uint8Array([1, 2, 3]);
    const parsed = parseTlogProof(formatTlogProof({ ...proof, extra }));
    expect(parsed).toEqual({ proof: { ...proof, extra } });
  });

  test("does not verify for another leaf, index or path", async () => {
    const attempts = [
      verifyTlogProof(proof, leaves[10], policy),
      verifyTlogProof({ ...proof, index: 10 }, leaves[index], policy),
      verifyTlogProof({ ...proof, hashes: [] }, leaves[index], policy),
    ];
    for (const attempt of attempts) {
      expect(await attempt).toEqual({
        fault: "does not lead from the leaf to the root of its checkpoint",
      });
    }
  });

  test("does not verify without the quorum or the log's signature", async () => {
    const { text, signatures: [log, witness] } = readNote(proof.checkpoint);
    const by = (signature: typeof log) => ({
      ...proof,
      checkpoint: formatNote({ text, signatures: [signature] }),
    });
    expect(await verifyTlogProof(by(log), leaves[index], policy))
      .toEqual({ fault: "has a checkpoint without the quorum of witnesses" });
    expect(await verifyTlogProof(by(witness), leaves[index], policy))
      .toHaveProperty("fault");
  });

  test("has no hashes for a tree of one leaf", async () => {
    const log = await makeSigner("example.com/one", "note");
    const checkpoint = await signCheckpoint(
      { size: 1, root: leaves[0] },
      log.signer,
    );
    const content = formatTlogProof({ index: 0, hashes: [], checkpoint });
    expect(content).toMatch(
      /^c2sp\.org\/tlog-proof@v1\nindex 0\n\nexample\.com\/one\n1\n/,
    );
    const lenient = readPolicy(`log ${log.vkey}\nquorum none\n`);
    expect(await verifyTlogProof(readProof(content), leaves[0], lenient))
      .toHaveProperty("checkpoint");
  });
});
