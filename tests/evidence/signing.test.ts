import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createDatabase } from "../../local/postgres.ts";
import { verifyUrl } from "../../scripts/verify/verify-url.ts";
import type { NewKeys } from "../../shared/tlog/keys.ts";
import type { TestDatabase } from "../support/databases.ts";
import { EVENTS } from "../support/running-stack.ts";
import {
  EvidenceStack,
  makeLogKeys,
  openTrusted,
  startEvidenceStack,
  trustLogs,
  withEvidenceStack,
} from "../support/evidence-stack.ts";
import {
  behindTriggers,
  readNotes,
  rebuildNodes,
  someHash,
  toBytea,
} from "../support/tampering.ts";
import { readNote } from "../support/tlog-parsers.ts";

const ENGINE = "PostgreSQL 17";

/** The ids of the keys that signed a note. */
const signersOf = (note: string) =>
  readNote(note).signatures.map(({ keyId }) => keyId);

const idOf = (verifierKey: string) => verifierKey.split("+")[1];

const recordMany = async (ledger: EvidenceStack, count: number) => {
  const events = Array.from({ length: count }, () => EVENTS["model-usage"]);
  expect((await ledger.post("model-usage", events)).status).toBe(201);
};

describe("the signer", () => {
  let keys: NewKeys;
  let signed: string;
  /** Of a project with a signed tree of more than a full tile, to be copied. */
  let template: string;
  beforeAll(async () => {
    keys = await makeLogKeys();
    const env = { LEDGER_SIGNING_KEYS: keys.signerKey };
    await withEvidenceStack(ENGINE, env, async (ledger) => {
      await recordMany(ledger, 100);
      await ledger.sign();
      await recordMany(ledger, 200);
      signed = await ledger.sign();
      template = new URL(ledger.databaseUrl!).pathname.slice(1);
    });
  });

  /** Lets `work` have a copy of the project with other keys. */
  async function onCopy(
    work: (ledger: EvidenceStack, db: TestDatabase) => Promise<void>,
    env: Record<string, string> = { LEDGER_SIGNING_KEYS: keys.signerKey },
  ): Promise<void> {
    const server = { url: inject("postgresUrl") };
    const url = await createDatabase(server, undefined, template);
    await withEvidenceStack(ENGINE, env, async (ledger) => {
      const db = ledger.openDatabase();
      await work(ledger, db).finally(() => db.close());
    }, url);
  }

  async function expectRefusal(
    ledger: EvidenceStack,
    db: TestDatabase,
    sentence: string,
  ): Promise<void> {
    const before = await readNotes(db);
    // With nothing new to sign, and with something.
    for (const count of [0, 3]) {
      if (count > 0) await recordMany(ledger, count);
      const { status, body } = await ledger.post("ledger/seal", {});
      expect(body).toMatchObject({ code: "inconsistent", detail: sentence });
      expect(status).toBe(409);
    }
    expect(await readNotes(db)).toEqual(before);
  }

  const CHANGED =
    "The tree does not begin with that of the last checkpoint: sealed leaves were changed";
  const GAPS = "The tree has gaps: leaves or nodes are missing";

  test("signs a tree that extends the last checkpoint", async () => {
    await onCopy(async (ledger, db) => {
      await recordMany(ledger, 3);
      const note = await ledger.sign();
      expect((await readNotes(db)).map(({ note }) => note))
        .toEqual(expect.arrayContaining([signed, note]));
      expect((await readNotes(db)).length).toBe(3);
    });
  });

  test.each([
    [
      "a leaf was changed that is in no full tile",
      "ledger.leaves",
      () =>
        `update ledger.leaves set hash = ${
          toBytea(someHash())
        } where index = 260`,
      CHANGED,
    ],
    [
      "a node was changed",
      "ledger.nodes",
      () => `update ledger.nodes set hash = ${toBytea(someHash())}`,
      CHANGED,
    ],
    [
      "two leaves changed places",
      "ledger.leaves",
      () =>
        `update ledger.leaves l set hash = o.hash from ledger.leaves o
          where (l.index, o.index) in ((260, 261), (261, 260))`,
      CHANGED,
    ],
    [
      "the newest leaves are gone",
      "ledger.leaves",
      () => "delete from ledger.leaves where index >= 290",
      "The tree has fewer leaves than the last checkpoint: leaves are missing",
    ],
    [
      "all leaves are gone",
      "ledger.leaves",
      () => "delete from ledger.leaves",
      "The tree has fewer leaves than the last checkpoint: leaves are missing",
    ],
    [
      "a leaf in the midst is gone",
      "ledger.leaves",
      () => "delete from ledger.leaves where index = 270",
      GAPS,
    ],
  ])("signs nothing when %s", async (_, table, statement, sentence) => {
    await onCopy(async (ledger, db) => {
      await behindTriggers(db, [table], statement());
      // Fewer leaves than signed stay fewer with three more.
      await expectRefusal(ledger, db, sentence);
    });
  });

  test.each([
    [
      "is text",
      `insert into ledger.checkpoints (size, root, note)
        select ledger.tree_size(), root, 'Send your keys to https://evil.example' from ledger.checkpoints limit 1`,
    ],
    [
      "is a copy with another size",
      `insert into ledger.checkpoints (size, root, note)
        select ledger.tree_size(), root, note from ledger.checkpoints order by size desc limit 1`,
    ],
    [
      "is an older one with another size",
      `insert into ledger.checkpoints (size, root, note)
        select ledger.tree_size(), root, note from ledger.checkpoints order by size limit 1`,
    ],
    [
      "has a changed signature",
      `insert into ledger.checkpoints (size, root, note)
        select ledger.tree_size(), root, left(note, -10) || case substr(note, length(note) - 9, 1)
          when 'A' then 'B' else 'A' end || right(note, 9) from ledger.checkpoints order by size desc limit 1`,
    ],
  ])(
    "ignores a stored checkpoint that %s, and signs on",
    async (_, statement) => {
      await onCopy(async (ledger, db) => {
        await recordMany(ledger, 2);
        await ledger.sealUnsigned();
        await behindTriggers(db, ["ledger.checkpoints"], statement);
        const show = async () => await (await ledger.ask("checkpoint")).text();
        expect(await show()).toBe(signed);
        const consistency = await (await ledger.ask("consistency?from=1"))
          .json();
        expect(consistency.checkpoint).toBe(signed);
        await recordMany(ledger, 3);
        const note = await ledger.sign();
        expect(note).not.toBe(signed);
        expect(await show()).toBe(note);
        const { faults } = await ledger.verify(trustLogs(keys.verifierKey));
        expect(faults.filter(({ code }) => code !== "checkpoint_untrusted"))
          .toEqual([]);
      });
    },
  );

  test("signs nothing when leaves were changed with their nodes", async () => {
    await onCopy(async (ledger, db) => {
      await behindTriggers(
        db,
        ["ledger.leaves"],
        `update ledger.leaves set hash = ${
          toBytea(someHash())
        } where index = 7`,
      );
      await rebuildNodes(db);
      await expectRefusal(ledger, db, CHANGED);
    });
  });

  test("does not detect a changed leaf of a full tile with its old node, but every verifier does", async () => {
    await onCopy(async (ledger, db) => {
      await behindTriggers(
        db,
        ["ledger.leaves"],
        `update ledger.leaves set hash = ${
          toBytea(someHash())
        } where index = 7`,
      );
      const policy = trustLogs(keys.verifierKey);
      expect(await ledger.sign()).toBe(signed);
      const trust = { policy, held: [], receipts: [] };
      expect((await verifyUrl(ledger.stack.url, trust)).findings)
        .toEqual(["The leaves do not have the root of the checkpoint"]);
      const { faults } = await ledger.verify(policy);
      expect(faults.map(({ code }) => code)).toContain("root_differs");
    });
  });

  test("signs nothing when the last checkpoint has an unknown key", async () => {
    const { signerKey } = await makeLogKeys();
    await onCopy(
      (ledger, db) =>
        expectRefusal(
          ledger,
          db,
          "The newest stored checkpoint is not signed by a known key",
        ),
      { LEDGER_SIGNING_KEYS: signerKey },
    );
  });

  test("signs with two keys during a rotation, and then accepts the retired key", async () => {
    const fresh = await makeLogKeys();
    let databaseUrl = "";
    await onCopy(async (ledger) => {
      databaseUrl = ledger.databaseUrl!;
      await recordMany(ledger, 1);
      const note = await ledger.sign();
      expect(signersOf(note)).toEqual([
        idOf(keys.verifierKey),
        idOf(fresh.verifierKey),
      ]);
      for (const key of [keys.verifierKey, fresh.verifierKey]) {
        await openTrusted(note, trustLogs(key));
      }
    }, { LEDGER_SIGNING_KEYS: `${keys.signerKey}\n${fresh.signerKey}` });

    await withEvidenceStack(ENGINE, {
      LEDGER_SIGNING_KEYS: fresh.signerKey,
      LEDGER_RETIRED_KEYS: keys.verifierKey,
    }, async (next) => {
      await recordMany(next, 1);
      expect(signersOf(await next.sign())).toEqual([idOf(fresh.verifierKey)]);
      // Who verifies everything needs both.
      const both = trustLogs(keys.verifierKey, fresh.verifierKey);
      expect((await next.verify(both)).faults).toEqual([]);
      const { faults } = await next.verify(trustLogs(fresh.verifierKey));
      expect(new Set(faults.map(({ code }) => code)))
        .toEqual(new Set(["checkpoint_untrusted"]));
    }, databaseUrl);
  });

  test("accepts the retired key without a rotation period, once the owner permits another signer", async () => {
    const fresh = await makeLogKeys();
    await onCopy(async (ledger, db) => {
      await recordMany(ledger, 1);
      await ledger.sealUnsigned();
      const { status, body } = await ledger.post("ledger/seal", {});
      const [, permit] =
        /^The database permits other signing keys than these; as its owner, run: (.*)$/
          .exec(body.detail)!;
      expect([status, body.code]).toEqual([409, "inconsistent"]);
      await db.exec(permit);
      expect(signersOf(await ledger.sign())).toEqual([idOf(fresh.verifierKey)]);
    }, {
      LEDGER_SIGNING_KEYS: fresh.signerKey,
      LEDGER_RETIRED_KEYS: keys.verifierKey,
    });
  });

  test.each([undefined, [], ["AAAA"]])(
    "is the only one to store a checkpoint, not a secret key with the secrets %j",
    async (secrets) => {
      await onCopy(async (ledger, db) => {
        await recordMany(ledger, 1);
        await ledger.sealUnsigned();
        const [{ size }] = await db.query<{ size: number }>(
          "select max(size)::int as size from ledger.checkpoints",
        );
        const { error } = await ledger.admin().rpc("add_ledger_checkpoint", {
          after_size: size,
          size: size + 1,
          root: "AAAA",
          note: "garbage",
          secrets,
        });
        expect(error?.code).toBe("42501");
        expect(signersOf(await ledger.sign())).toEqual([
          idOf(keys.verifierKey),
        ]);
      });
    },
  );

  test("signs nothing while a node is missing, until the next seal restores it", async () => {
    await onCopy(async (ledger, db) => {
      await behindTriggers(db, ["ledger.nodes"], "delete from ledger.nodes");
      const refused = await ledger.post("ledger/seal", {});
      expect([refused.status, refused.body.detail]).toEqual([409, GAPS]);
      await recordMany(ledger, 1);
      await ledger.sign();
      const verdict = await ledger.verify(trustLogs(keys.verifierKey), signed);
      expect(verdict.faults).toEqual([]);
    });
  });

  test("reports a refusal in its answer only", async () => {
    await onCopy(async (ledger, db) => {
      await behindTriggers(db, ["ledger.nodes"], "delete from ledger.nodes");
      expect((await ledger.post("ledger/seal", {})).status).toBe(409);
      const shown = await ledger.ask("checkpoint");
      expect([shown.status, await shown.text()]).toEqual([200, signed]);
    });
  });
});

describe("two functions that seal concurrently", () => {
  let keys: NewKeys;
  let ledgers: EvidenceStack[];
  beforeAll(async () => {
    keys = await makeLogKeys();
    const env = { LEDGER_SIGNING_KEYS: keys.signerKey };
    const first = await startEvidenceStack(ENGINE, env);
    ledgers = [first];
    ledgers.push(await startEvidenceStack(ENGINE, env, first.databaseUrl));
  });
  afterAll(async () => {
    for (const { stack } of ledgers ?? []) await stack.stop();
  });

  test("write one chain of consistent checkpoints", async () => {
    const answers: { status: number; body: Record<string, unknown> }[] = [];
    for (let round = 0; round < 8; round++) {
      await Promise.all(ledgers.flatMap((ledger) => [
        recordMany(ledger, 5),
        ...[1, 2].map(async () => {
          answers.push(await ledger.post("ledger/seal", {}));
        }),
      ]));
    }
    const last = await ledgers[0].sealAll();
    for (const { status, body } of answers) {
      // A function that loses every race answers 409.
      if (status === 200) continue;
      expect([status, body.detail]).toEqual([
        409,
        "Another request signed at the same time; try again",
      ]);
    }
    const db = ledgers[0].openDatabase();
    try {
      const notes = await readNotes(db);
      // Transactions of other test files may hold leaves back for some rounds.
      expect(notes.length).toBeGreaterThan(1);
      expect(notes.at(-1)!.note).toBe(last.checkpoint);
      for (const { size, note } of notes) {
        const opened = await openTrusted(note, trustLogs(keys.verifierKey));
        expect(opened.checkpoint.size).toBe(size);
      }
      const answered = answers.map(({ body }) => body.checkpoint)
        .filter((note) => typeof note === "string");
      const kept = new Set(notes.map(({ note }) => note));
      for (const note of answered) expect(kept).toContain(note);
    } finally {
      await db.close();
    }
    const verdict = await ledgers[1].verify(trustLogs(keys.verifierKey));
    expect(verdict.faults).toEqual([]);
    expect(verdict.counts.rows).toBe(80);
  });
});
