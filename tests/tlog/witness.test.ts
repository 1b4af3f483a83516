import { decodeHex } from "@std/encoding/hex.js";
import { beforeEach, describe, expect, test } from "vitest";
import {
  answerCosigned,
  answerMalformed,
  formatAddCheckpoint,
  parseAddCheckpoint,
  readWitnessAnswer,
  refuseCheckpoint,
  type WitnessAnswer,
  type WitnessedLog,
} from "../../shared/tlog/witness.ts";
import { signCheckpoint } from "../../shared/tlog/checkpoint.ts";
import { formatNote, formatSignature } from "../../shared/tlog/note.ts";
import {
  type SignerKey,
  toVerifierKey,
  type VerifierKey,
} from "../../shared/tlog/keys.ts";
import { proveConsistency } from "../../shared/tlog/proofs.ts";
import { EMPTY_ROOT, hashLeaf, hashTree } from "../../shared/tlog/tree.ts";
import {
  LITEWITNESS_EXCHANGE,
  LITEWITNESS_KEY,
  LITEWITNESS_ORIGIN,
} from "./litewitness-exchange.ts";
import {
  makeSigner,
  readCheckpoint,
  readNote,
} from "../support/tlog-parsers.ts";
import { makeLeaves, tilesOf } from "./synthetic-tiles.ts";

/** A witness with its memory, as a server would have it. */
class Witness {
  readonly logs = new Map<string, WitnessedLog>();

  constructor(readonly key: SignerKey) {}

  async answer(body: string, time = 1_800_000_000n): Promise<WitnessAnswer> {
    const parsed = parseAddCheckpoint(body);
    if ("fault" in parsed) return answerMalformed(parsed.fault);
    const { request } = parsed;
    const { origin, size, root } = request.checkpoint;
    const log = this.logs.get(origin) ?? null;
    const refusal = await refuseCheckpoint(request, log);
    if (refusal !== null) return refusal;
    this.logs.set(origin, { keys: log!.keys, last: { size, root } });
    return await answerCosigned(request, this.key, time);
  }
}

test("a witness answers the requests of litewitness's test with the specified status", async () => {
  const { signer } = await makeSigner("example.com/witness", "cosignature");
  const witness = new Witness(signer);
  const key = toVerifierKey(
    LITEWITNESS_ORIGIN,
    "note",
    decodeHex(LITEWITNESS_KEY),
  );
  witness.logs.set(LITEWITNESS_ORIGIN, { keys: [key], last: null });
  for (const { body, status, answer } of LITEWITNESS_EXCHANGE) {
    const given = await witness.answer(body);
    expect(given.status).toBe(status);
    if (answer !== undefined) expect(given.body).toBe(answer);
    if (status === 200) {
      expect(given.body).toMatch(/^— example\.com\/witness \S+\n$/);
    }
  }
});

describe("a witness", () => {
  const leaves = makeLeaves(40);
  const rootAt = (size: number) => hashTree(leaves.slice(0, size));
  let log: SignerKey;
  let key: VerifierKey;
  let witness: Witness;

  beforeEach(async () => {
    log = (await makeSigner("example.com/ledger", "note")).signer;
    key = log.verifier;
    const { signer } = await makeSigner("witness.example/w", "cosignature");
    witness = new Witness(signer);
    witness.logs.set(key.name, { keys: [key], last: null });
  });

  const sign = (size: number, root = rootAt(size)) =>
    signCheckpoint({ size, root }, log);
  const ask = async (oldSize: number, size: number) =>
    formatAddCheckpoint(
      oldSize,
      await proveConsistency(tilesOf(leaves), oldSize, size),
      await sign(size),
    );

  test("cosigns a growing log, and the same checkpoint again", async () => {
    for (const [oldSize, size] of [[0, 0], [0, 7], [7, 7], [7, 8], [8, 40]]) {
      const body = await ask(oldSize, size);
      const answer = await witness.answer(body);
      expect(answer.status).toBe(200);
      const note = readNote(await sign(size));
      const outcome = await readWitnessAnswer(answer, note, [
        witness.key.verifier,
      ]);
      expect(outcome).toHaveProperty("cosignatures");
    }
    expect(witness.logs.get(key.name)!.last).toEqual({
      size: 40,
      root: rootAt(40),
    });
  });

  test("answers 404 for a log without a key", async () => {
    witness.logs.set(key.name, { keys: [], last: null });
    expect((await witness.answer(await ask(0, 7))).status).toBe(404);
    witness.logs.clear();
    expect((await witness.answer(await ask(0, 7))).status).toBe(404);
  });

  test("answers 403 for a checkpoint without a valid signature of the log", async () => {
    const other = await makeSigner("example.com/ledger", "note");
    const foreign = await signCheckpoint(
      { size: 7, root: rootAt(7) },
      other.signer,
    );
    const note = readNote(await sign(7));
    const wrong = {
      ...note.signatures[0],
      bytes: note.signatures[0].bytes.with(0, 0),
    };
    for (
      const content of [
        foreign,
        formatNote({ ...note, signatures: [wrong] }),
        formatNote({ ...note, signatures: [...note.signatures, wrong] }),
      ]
    ) {
      const answer = await witness.answer(formatAddCheckpoint(0, [], content));
      expect(answer.status).toBe(403);
    }
    expect(witness.logs.get(key.name)!.last).toBeNull();
  });

  test("ignores signatures of unknown keys", async () => {
    const note = readNote(await sign(7));
    const stranger = { ...note.signatures[0], name: "example.com/stranger" };
    const content = formatNote({
      ...note,
      signatures: [stranger, ...note.signatures],
    });
    expect((await witness.answer(formatAddCheckpoint(0, [], content))).status)
      .toBe(200);
  });

  test("answers 400 for an old size above the checkpoint's", async () => {
    const body = formatAddCheckpoint(8, [], await sign(7));
    expect((await witness.answer(body)).status).toBe(400);
  });

  test("answers 409 with its size for another old size", async () => {
    const first = await witness.answer(await ask(3, 7));
    expect(first).toEqual({
      status: 409,
      contentType: "text/x.tlog.size",
      body: "0\n",
    });
    await witness.answer(await ask(0, 7));
    for (const [oldSize, size] of [[0, 40], [6, 40], [8, 40], [0, 7], [0, 0]]) {
      const answer = await witness.answer(await ask(oldSize, size));
      expect(answer).toEqual({
        status: 409,
        contentType: "text/x.tlog.size",
        body: "7\n",
      });
      const note = readNote(await sign(size));
      expect(await readWitnessAnswer(answer, note, [])).toEqual({ size: 7 });
    }
  });

  test("does not cosign a smaller tree", async () => {
    await witness.answer(await ask(0, 40));
    expect((await witness.answer(await ask(7, 8))).status).toBe(409);
    expect(
      (await witness.answer(formatAddCheckpoint(40, [], await sign(8)))).status,
    ).toBe(400);
    expect(witness.logs.get(key.name)!.last!.size).toBe(40);
  });

  test("answers 409 for another root of the cosigned size", async () => {
    await witness.answer(await ask(0, 7));
    const content = await sign(7, hashLeaf("rewritten"));
    expect((await witness.answer(formatAddCheckpoint(7, [], content))).status)
      .toBe(409);
  });

  test("answers 422 for a rewritten log, even with a consistency proof of it", async () => {
    await witness.answer(await ask(0, 7));
    const rewritten = leaves.with(3, hashLeaf("rewritten"));
    const proof = await proveConsistency(tilesOf(rewritten), 7, 40);
    const content = await sign(40, hashTree(rewritten));
    const answer = await witness.answer(formatAddCheckpoint(7, proof, content));
    expect(answer.status).toBe(422);
    expect(witness.logs.get(key.name)!.last!.size).toBe(7);
  });

  test("answers 422 for a needless proof and for a missing proof", async () => {
    const needless = formatAddCheckpoint(0, [EMPTY_ROOT], await sign(7));
    expect((await witness.answer(needless)).status).toBe(422);
    await witness.answer(await ask(0, 7));
    const none = formatAddCheckpoint(7, [], await sign(40));
    expect((await witness.answer(none)).status).toBe(422);
    const same = formatAddCheckpoint(7, [EMPTY_ROOT], await sign(7));
    expect((await witness.answer(same)).status).toBe(422);
  });

  test("answers 422 for an empty tree with another root", async () => {
    const body = formatAddCheckpoint(0, [], await sign(0, hashLeaf("")));
    expect((await witness.answer(body)).status).toBe(422);
  });

  test.each([
    ["nothing", () => ""],
    ["no old size", (body: string) => body.replace(/^old 7\n/, "")],
    ["an old size in hex", (body: string) => body.replace("old 7", "old 0x7")],
    [
      "an old size with zeros",
      (body: string) => body.replace("old 7", "old 07"),
    ],
    [
      "an old size that is negative",
      (body: string) => body.replace("old 7", "old -7"),
    ],
    ["OLD", (body: string) => body.replace("old 7", "OLD 7")],
    ["no blank line", (body: string) => body.replace("\n\n", "\n")],
    ["a hash too short", (body: string) => body.replace(/=\n/, "\n")],
    [
      "64 hashes",
      (body: string) =>
        body.replace(
          /(old 7\n)(\S+\n)/,
          (_, old, hash) => old + hash.repeat(64),
        ),
    ],
    ["no signature", (body: string) => body.slice(0, body.lastIndexOf("—"))],
    [
      "a size that is no number",
      (body: string) => body.replace("\n40\n", "\nforty\n"),
    ],
    ["carriage returns", (body: string) => body.replaceAll("\n", "\r\n")],
  ])("answers 400 for a request with %s", async (_, change) => {
    await witness.answer(await ask(0, 7));
    const answer = await witness.answer(change(await ask(7, 40)));
    expect(answer.status).toBe(400);
    expect(answer.contentType).toBe("text/plain; charset=utf-8");
  });

  test("parses the request of the specification", () => {
    const parsed = parseAddCheckpoint(SPECIFIED_REQUEST);
    expect(parsed).toMatchObject({
      request: { oldSize: 20_852_014, checkpoint: { size: 20_852_163 } },
    });
    if (!("request" in parsed)) return;
    const { oldSize, proof, note } = parsed.request;
    expect(proof).toHaveLength(4);
    expect(note.signatures).toHaveLength(2);
    expect(formatAddCheckpoint(oldSize, proof, formatNote(note)))
      .toBe(SPECIFIED_REQUEST);
  });
});

describe("readWitnessAnswer()", () => {
  test("returns the cosignatures of known witnesses", async () => {
    const { signer: log } = await makeSigner("example.com/ledger", "note");
    const [known, stranger] = await Promise.all([
      makeSigner("witness.example/known", "cosignature"),
      makeSigner("witness.example/stranger", "cosignature"),
    ]);
    const content = await signCheckpoint({ size: 0, root: EMPTY_ROOT }, log);
    const note = readNote(content);
    const request = {
      oldSize: 0,
      proof: [],
      note,
      checkpoint: readCheckpoint(content),
    };
    const answers = await Promise.all(
      [known, stranger].map(({ signer }) =>
        answerCosigned(request, signer, 9n)
      ),
    );
    const body = answers.map(({ body }) => body).join("");
    const keys = [known.signer.verifier, log.verifier];
    const outcome = await readWitnessAnswer(
      { ...answers[0], body },
      note,
      keys,
    );
    expect(outcome).toMatchObject({
      cosignatures: [{ name: "witness.example/known" }],
    });
  });

  test("rejects any other answer", async () => {
    const { signer: log } = await makeSigner("example.com/ledger", "note");
    const { signer } = await makeSigner("witness.example/w", "cosignature");
    const content = await signCheckpoint({ size: 0, root: EMPTY_ROOT }, log);
    const note = readNote(content);
    const request = {
      oldSize: 0,
      proof: [],
      note,
      checkpoint: readCheckpoint(content),
    };
    const other = await answerCosigned(
      { ...request, note: { ...note, text: "another\n0\nx\n" } },
      signer,
      9n,
    );
    const timeless = await answerCosigned(request, signer, 0n);
    const genuine = await answerCosigned(request, signer, 9n);
    const size = { status: 409, contentType: "text/x.tlog.size", body: "7\n" };
    const keys = [signer.verifier];
    for (
      const answer of [
        other,
        timeless,
        { ...genuine, status: 500 },
        { ...genuine, body: "" },
        { ...genuine, body: genuine.body.trimEnd() },
        { ...genuine, body: formatNote(note) },
        { ...size, contentType: "text/plain" },
        { ...size, body: "7" },
        { ...size, body: "seven\n" },
      ]
    ) {
      expect(await readWitnessAnswer(answer, note, keys)).toHaveProperty(
        "fault",
      );
    }
    const own = formatSignature(note.signatures[0]);
    expect(
      await readWitnessAnswer({ ...genuine, body: own }, note, [log.verifier]),
    ).toHaveProperty("fault");
    expect(await readWitnessAnswer(genuine, note, keys)).toHaveProperty(
      "cosignatures",
    );
    expect(await readWitnessAnswer(genuine, note, [log.verifier]))
      .toHaveProperty("fault");
  });
});

/** The example of C2SP tlog-witness. */
const SPECIFIED_REQUEST = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
`;
