import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  formatAddCheckpoint,
  parseAddCheckpoint,
} from "../../shared/tlog/witness.ts";
import { cosign, formatSignature } from "../../shared/tlog/note.ts";
import { createKeys, type NewKeys } from "../../shared/tlog/keys.ts";
import { proveConsistency } from "../../shared/tlog/proofs.ts";
import type { Bytes } from "../../shared/tlog/encoding.ts";
import { toTilePath } from "../../shared/tlog/tiles.ts";
import { hashTree } from "../../shared/tlog/tree.ts";
import {
  ENGINES,
  EVENTS,
  newId,
  SERVER_ONLY,
} from "../support/running-stack.ts";
import {
  EvidenceStack,
  makeLogKeys,
  openTrusted,
  ORIGIN,
  startEvidenceStack,
  trustLogs,
  withEvidenceStack,
} from "../support/evidence-stack.ts";
import {
  behindTriggers,
  hashNow,
  rewriteLeaf,
  rewriteRow,
  signRoot,
  someHash,
} from "../support/tampering.ts";
import { readNote, readPolicy, readSigner } from "../support/tlog-parsers.ts";

const makeWitnessKeys = () => createKeys("example.org/witness", "cosignature");

/** The policy with a quorum of one of these witnesses. */
const wantWitness = (log: string, ...witnesses: string[]) =>
  readPolicy([
    `log ${log}`,
    ...witnesses.map((key, at) => `witness w${at} ${key}`),
    `group some 1 ${witnesses.map((_, at) => `w${at}`).join(" ")}`,
    "quorum some\n",
  ].join("\n"));

const record = async (ledger: EvidenceStack, count = 3) => {
  const events = Array.from({ length: count }, () => EVENTS["model-usage"]);
  expect((await ledger.post("model-usage", events)).status).toBe(201);
};

/** A project and another that is its witness. */
class WitnessedProject {
  logKeys!: NewKeys;
  witnessKeys!: NewKeys;
  log!: EvidenceStack;
  witness!: EvidenceStack;

  async start(engine: (typeof ENGINES)[number]) {
    this.logKeys = await makeLogKeys();
    this.witnessKeys = await makeWitnessKeys();
    this.witness = await startEvidenceStack(engine, {
      WITNESS_SIGNING_KEY: this.witnessKeys.signerKey,
      WITNESSED_LOGS: this.logKeys.verifierKey,
    });
    this.log = await startEvidenceStack(engine, {
      LEDGER_SIGNING_KEYS: this.logKeys.signerKey,
      LEDGER_WITNESSES:
        `${this.witnessKeys.verifierKey} ${this.witness.stack.url}/functions/v1/ledger`,
    });
  }

  async stop() {
    await this.log?.stack.stop();
    await this.witness?.stack.stop();
  }

  get policy() {
    return wantWitness(this.logKeys.verifierKey, this.witnessKeys.verifierKey);
  }

  /** Asks the witness to cosign. */
  add(body: string): Promise<Response> {
    return this.witness.ask("add-checkpoint", { method: "POST", body });
  }
}

describe.each(SERVER_ONLY)(
  "a second project as the witness, on %s",
  (engine) => {
    const two = new WitnessedProject();
    beforeAll(() => two.start(engine));
    afterAll(() => two.stop());

    test("cosigns the first one's checkpoints, with a timestamp", async () => {
      for (let round = 1; round <= 3; round++) {
        await record(two.log);
        const before = BigInt(Math.floor(Date.now() / 1_000));
        const note = await two.log.sign();
        const { isQuorum, cosigned } = await openTrusted(note, two.policy);
        expect(isQuorum).toBe(true);
        expect(cosigned.get("w0")).toBeGreaterThanOrEqual(before);
        expect(readNote(note).signatures.map(({ name }) => name))
          .toEqual([ORIGIN, "example.org/witness"]);
      }
    });

    test("satisfies the quorum of a policy for a bundle", async () => {
      await record(two.log);
      await two.log.sign();
      expect((await two.log.verify(two.policy)).faults).toEqual([]);
      const stranger = await makeWitnessKeys();
      const other = wantWitness(two.logKeys.verifierKey, stranger.verifierKey);
      expect((await two.log.verify(other)).faults.map(({ code }) => code))
        .toEqual(["quorum_missing"]);
    });

    test("stores the last checkpoint of the log, and no leaf", async () => {
      await record(two.log);
      const note = await two.log.sign();
      const { checkpoint } = await openTrusted(note, two.policy);
      const { data } = await two.witness.admin()
        .rpc("read_witnessed", { origin: ORIGIN });
      expect(data.size).toBe(checkpoint.size);
      expect((await two.witness.admin().rpc("read_ledger_state")).data.size)
        .toBe(0);
    });

    test("is not asked again for a signed checkpoint", async () => {
      await record(two.log);
      const note = await two.log.sign();
      expect(await two.log.sign()).toBe(note);
    });

    describe("add-checkpoint", () => {
      let note: string;
      let size: number;
      beforeAll(async () => {
        await record(two.log);
        note = await two.log.sign();
        ({ size } = (await openTrusted(note, two.policy)).checkpoint);
      });

      test("cosigns the same checkpoint again", async () => {
        const response = await two.add(formatAddCheckpoint(size, [], note));
        expect(response.status).toBe(200);
        expect(await response.text()).toMatch(
          /^— example\.org\/witness \S+\n$/,
        );
      });

      test("answers 409 with its size for another old size", async () => {
        for (const old of [0, size - 1]) {
          const response = await two.add(formatAddCheckpoint(old, [], note));
          expect(response.status).toBe(409);
          expect(response.headers.get("content-type")).toBe("text/x.tlog.size");
          expect(await response.text()).toBe(`${size}\n`);
        }
      });

      test("refuses another root for the same size", async () => {
        const forged = await signRoot(size, someHash(), two.logKeys.signerKey);
        const response = await two.add(formatAddCheckpoint(size, [], forged));
        expect([409, 422]).toContain(response.status);
        expect(await response.text()).not.toContain("—");
      });

      test.each([
        ["another log's key", 403, async () => (await makeLogKeys()).signerKey],
        [
          "a log that it does not know",
          404,
          async () => (await createKeys("example.net/other", "note")).signerKey,
        ],
      ])("refuses a checkpoint of %s", async (_, status, makeKey) => {
        const key = await makeKey();
        const forged = (await signRoot(size, someHash(), key))
          .replaceAll(ORIGIN, key.split("+")[2]);
        const response = await two.add(formatAddCheckpoint(size, [], forged));
        expect(response.status).toBe(status);
      });

      test.each([
        ["", 400],
        ["old x\n\n", 400],
        ["old 0\n\nnothing", 400],
        ["old 0\n!\n\n", 400],
      ])("refuses the malformed request %j", async (body, status) => {
        expect((await two.add(body)).status).toBe(status);
      });

      test("refuses a body that is too large", async () => {
        const response = await two.add("old 0\n".padEnd(3_000_000, "A"));
        expect(response.status).toBe(413);
        await response.body?.cancel();
      });

      test("keeps its size after refusals", async () => {
        const { data } = await two.witness.admin()
          .rpc("read_witnessed", { origin: ORIGIN });
        expect(data.size).toBe(size);
      });
    });

    test("cosigns at most one of two concurrent histories", async () => {
      const keys = await makeLogKeys();
      await withEvidenceStack(engine, {
        WITNESS_SIGNING_KEY: two.witnessKeys.signerKey,
        WITNESSED_LOGS: keys.verifierKey,
      }, async (witness) => {
        const offers = await Promise.all(
          Array.from({ length: 8 }, async (_, n) =>
            formatAddCheckpoint(
              0,
              [],
              await signRoot(3 + n % 2, someHash(), keys.signerKey),
            )),
        );
        const answers = await Promise.all(offers.map(async (body) => {
          const response = await witness.ask("add-checkpoint", {
            method: "POST",
            body,
          });
          await response.body?.cancel();
          return response.status;
        }));
        expect(answers.filter((status) => status === 200)).toHaveLength(1);
        expect(answers.filter((status) => status === 409)).toHaveLength(7);
      });
    });
  },
);

describe("a rewritten history signed again with the log's key", () => {
  const two = new WitnessedProject();
  beforeAll(() => two.start("PostgreSQL 17"));
  afterAll(() => two.stop());

  test("is not cosigned", async () => {
    const { log, logKeys, policy } = two;
    const id = newId();
    await log.post("llm-usage", { ...EVENTS["llm-usage"], id });
    const held = await log.sign();
    const seen = (await openTrusted(held, policy)).checkpoint.size;

    const db = log.openDatabase();
    try {
      await rewriteRow(db, "llm_usage_log", id, "cost_usd = cost_usd / 2");
      await rewriteLeaf(db, id, await hashNow(db, "llm_usage_log", id));
      await behindTriggers(
        db,
        ["ledger.checkpoints"],
        "delete from ledger.checkpoints",
      );
    } finally {
      await db.close();
    }

    // The signer has nothing left to compare with, and signs.
    await record(log, 5);
    const forged = await log.sign();
    const opened = await openTrusted(forged, trustLogs(logKeys.verifierKey));
    expect(opened.checkpoint.size).toBeGreaterThan(seen);

    // Who trusts the key alone sees nothing; the witness has not cosigned.
    expect((await log.verify(trustLogs(logKeys.verifierKey))).faults)
      .toEqual([]);
    expect((await log.verify(policy)).faults.map(({ code }) => code))
      .toEqual(["quorum_missing"]);
    const withHeld = await log.verify(trustLogs(logKeys.verifierKey), held);
    expect(withHeld.faults.map(({ code }) => code)).toEqual(["root_differs"]);

    // There is no proof that leads from the one to the other.
    const { size } = opened.checkpoint;
    const read = async (tile: Parameters<typeof toTilePath>[0]) =>
      (await log.ask(toTilePath(tile))).bytes() as Promise<Bytes>;
    const proof = await proveConsistency(read, seen, size);
    for (const hashes of [proof, proof.map(someHash), []]) {
      const response = await two.add(formatAddCheckpoint(seen, hashes, forged));
      expect(response.status).toBe(422);
      await response.body?.cancel();
    }
    const { data } = await two.witness.admin()
      .rpc("read_witnessed", { origin: ORIGIN });
    expect(data.size).toBe(seen);
  });

  test("is not cosigned when it is shorter than the witness's checkpoint", async () => {
    const { data: { size } } = await two.witness.admin()
      .rpc("read_witnessed", { origin: ORIGIN });
    const forged = await signRoot(
      1,
      hashTree([someHash()]),
      two.logKeys.signerKey,
    );
    for (const [old, status] of [[0, 409], [1, 409], [size, 400]]) {
      const response = await two.add(formatAddCheckpoint(old, [], forged));
      expect(response.status).toBe(status);
      await response.body?.cancel();
    }
  });
});

describe("a witness that does not cosign", () => {
  /** What the witness does with a request. */
  let answer: (request: Request) => Promise<Response> | Response;
  let server: Deno.HttpServer<Deno.NetAddr>;
  let logKeys: NewKeys;
  let keys: NewKeys;
  let log: EvidenceStack;
  beforeAll(async () => {
    [logKeys, keys] = await Promise.all([makeLogKeys(), makeWitnessKeys()]);
    server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => answer(request),
    );
    const away = await createKeys("example.net/away", "cosignature");
    log = await startEvidenceStack("PGlite", {
      LEDGER_SIGNING_KEYS: logKeys.signerKey,
      LEDGER_WITNESSES: `${away.verifierKey} http://127.0.0.1:${closedPort()}
        ${keys.verifierKey} http://127.0.0.1:${server.addr.port}/`,
    });
  });
  afterAll(async () => {
    await log?.stack.stop();
    await server?.shutdown();
  });

  /** Seals a new event, and returns the names of the signers. */
  async function seal(): Promise<string[]> {
    await record(log);
    const note = await log.sign();
    await openTrusted(note, trustLogs(logKeys.verifierKey));
    return readNote(note).signatures.map(({ name }) => name);
  }

  const conflictAt = (size: string) =>
    new Response(`${size}\n`, {
      status: 409,
      headers: { "content-type": "text/x.tlog.size" },
    });

  test("because it is unavailable does not prevent other cosignatures", async () => {
    answer = async (request) => {
      const parsed = parseAddCheckpoint(await request.text());
      if ("fault" in parsed) throw new Error(parsed.fault);
      const signer = await readSigner(keys.signerKey);
      return new Response(formatSignature(
        await cosign(parsed.request.note.text, signer, 1n),
      ));
    };
    expect(await seal()).toEqual([ORIGIN, "example.org/witness"]);
  });

  test("because of a timeout leaves the checkpoint without its cosignature", async () => {
    const late = Promise.withResolvers<Response>();
    answer = () => late.promise;
    try {
      expect(await seal()).toEqual([ORIGIN]);
    } finally {
      late.resolve(new Response());
    }
  });

  test.each([
    ["with an error", () => new Response("no", { status: 500 })],
    ["with a page", () => new Response("<html></html>")],
    ["with nothing", () => new Response("")],
    ["with a refusal", () => new Response("no", { status: 422 })],
    ["that it has a larger tree", () => conflictAt("999999")],
    ["that it has a tree of no size", () => conflictAt("many")],
    ["always that it is elsewhere", () => conflictAt("1")],
    ["with bytes that are no text", () => new Response(new Uint8Array([255]))],
    [
      "with a signature that is wrong",
      () => new Response(makeSignature(keys.verifierKey)),
    ],
    [
      "with a signature of another key",
      () => new Response(makeSignature("example.org/other+00000000")),
    ],
  ])(
    "but answers %s leaves the checkpoint without its cosignature",
    async (_, given) => {
      answer = given;
      expect(await seal()).toEqual([ORIGIN]);
    },
  );

  test("leaves evidence that verifies", async () => {
    expect((await log.verify(trustLogs(logKeys.verifierKey))).faults)
      .toEqual([]);
  });
});

/** A forged signature line. */
function makeSignature(verifierKey: string): string {
  const [name, keyId] = verifierKey.split("+");
  return formatSignature({ name, keyId, bytes: new Uint8Array(72).fill(7) });
}

/** A port that nothing listens on. */
function closedPort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
