/**
 * The attacks of docs/evidence.md, "Prevention and detection", by the line that
 * describes them. Each is made on a copy of a project with signed evidence.
 *
 * @module
 */
import { expect } from "vitest";
import type { Verdict } from "../../scripts/verify/verdict.ts";
import { verifyBundle } from "../../scripts/verify/verify-bundle.ts";
import { type EventLeaf, formatLeaf } from "../../shared/evidence/leaf.ts";
import type { LogName } from "../../shared/logs/index.ts";
import { createKeys, type NewKeys } from "../../shared/tlog/keys.ts";
import type { Policy } from "../../shared/tlog/policy.ts";
import { formatAddCheckpoint } from "../../shared/tlog/witness.ts";
import type { ApiRole, TestDatabase } from "../support/databases.ts";
import { leafNow } from "../support/evidence-leaves.ts";
import {
  type EvidenceStack,
  ORIGIN,
  startEvidenceStack,
  trustLogs,
} from "../support/evidence-stack.ts";
import {
  EVENTS,
  FIRM,
  newId,
  OTHER_USER,
  TABLES,
  USER,
} from "../support/running-stack.ts";
import {
  behindTriggers,
  dropNewest,
  hashNow,
  rebuildNodes,
  relabelLeaf,
  rewriteLeaf,
  rewriteRow,
  signAgain,
} from "../support/tampering.ts";
import { readPolicy } from "../support/tlog-parsers.ts";
import { type Drill, recordOfEach } from "./drill.ts";
import { replicateChange, replicateRow } from "./replication.ts";

/** The outcome of an attack, as the table states it. */
export interface Outcome {
  /** SQLSTATEs or HTTP statuses of the refusals, or `yes`; empty if it succeeded. */
  refused: string[];
  /** Codes of the findings in a bundle. */
  findings: string[];
  /** The same with the checkpoints that were kept. */
  kept: string[];
  /** Checks of the doctor with findings. */
  doctor: string[];
}

/** Attacks a copy; the refusals, if any. */
type Attack = (
  ledger: EvidenceStack,
  db: TestDatabase,
) => Promise<string[] | void>;

/** A witness that has cosigned the newest checkpoint of a project. */
export interface WitnessScene {
  witness: EvidenceStack;
  keys: NewKeys;
}

/** Starts a witness of the project; the caller stops it. */
export async function startWitness(drill: Drill): Promise<WitnessScene> {
  const keys = await createKeys("example.org/witness", "cosignature");
  const witness = await startEvidenceStack("PGlite", {
    WITNESS_SIGNING_KEY: keys.signerKey,
    WITNESSED_LOGS: drill.keys.verifierKey,
  });
  const body = formatAddCheckpoint(0, [], drill.held[1]);
  const { status } = await witness.ask("add-checkpoint", {
    method: "POST",
    body,
  });
  expect(status).toBe(200);
  return { witness, keys };
}

/** The cases, by the first cell of the table's line. */
export function listAttacks(
  drill: Drill,
  { witness, keys }: WitnessScene,
): Record<string, () => Promise<Outcome>> {
  const policy = trustLogs(drill.keys.verifierKey);
  const { early } = drill;
  const [firstSize] = drill.held.map((note) => Number(note.split("\n")[1]));
  const on = (attack: Attack) => () => measure(drill, policy, attack);
  const onRow =
    (slug: keyof typeof TABLES, changes: string): Attack => (_, db) =>
      rewriteRow(db, TABLES[slug], early[slug], changes);

  return {
    "an API role: change, delete or truncate rows": on((_, db) =>
      attemptAs(
        db,
        Object.values(TABLES).flatMap((log) => [
          `update public.${log} set id = id`,
          `delete from public.${log}`,
          `truncate public.${log} cascade`,
        ]),
      )
    ),
    "an API role: read or write leaves, salts or checkpoints": on((_, db) =>
      attemptAs(
        db,
        ["leaves", "pending_leaves", "nodes", "salts", "checkpoints"].flatMap(
          (table) => [
            `select from ledger.${table}`,
            `insert into ledger.${table} default values`,
            `delete from ledger.${table}`,
          ],
        ),
      )
    ),
    "the owner, with the guards: change or delete rows, leaves or checkpoints":
      on((_, db) =>
        collectCodes([
          ...Object.values(TABLES).map((log) => `public.${log}`),
          "ledger.leaves",
          "ledger.nodes",
          "ledger.checkpoints",
        ].flatMap((table) => [
          () => db.exec(`delete from ${table}`),
          () =>
            db.exec(`update ${table} set ${keyOf(table)} = ${keyOf(table)}`),
        ]))
      ),
    "a sender: record the id of a deleted row again": on(
      async (ledger, db) => {
        const [id, firm_id] = [newId(), newId()];
        const addFirm = () =>
          db.query("insert into public.firms (id, name) values ($1, 'F')", [
            firm_id,
          ]);
        const event = { ...EVENTS.audit, id, firm_id };
        await addFirm();
        expect((await ledger.post("audit", event)).status).toBe(201);
        await db.query("delete from public.firms where id = $1", [firm_id]);
        await ledger.sign();
        await addFirm();
        return [String((await ledger.post("audit", event)).status)];
      },
    ),
    "a secret API key: store a checkpoint": on(async (ledger) => {
      const { error } = await ledger.admin().rpc("add_ledger_checkpoint", {
        after_size: 0,
        size: 1,
        root: btoa("x".repeat(32)),
        note: "forged",
      });
      return [String(error?.code)];
    }),
    "a secret API key of a witness's project: move the witness's memory":
      async () => {
        const admin = witness.admin();
        const read = async () =>
          (await admin.rpc("read_witnessed", { origin: ORIGIN })).data;
        const before = await read();
        const root = btoa("x".repeat(32));
        const refused = new Set<string>();
        for (const old_size of [0, before.size]) {
          for (const size of [1, before.size - 1, before.size, 10 ** 9]) {
            const note = "forked";
            const state = { origin: ORIGIN, old_size, size, root, note };
            const { error } = await admin.rpc("witness_checkpoint", state);
            refused.add(String(error?.code));
          }
        }
        expect(await read()).toEqual(before);
        return { refused: [...refused], findings: [], kept: [], doctor: [] };
      },
    "a role that may delete a parent: delete rows by the foreign keys": on(
      async (ledger, db) => {
        const before = await ledger.verify(policy);
        await db.query("delete from public.firms where id = $1", [FIRM]);
        await ledger.sign();
        const { counts } = await ledger.verify(policy);
        expect(counts.tombstones).toBeGreaterThan(before.counts.tombstones);
      },
    ),
    "the owner: change a row": on(onRow("llm-usage", "cost_usd = 0")),
    "the owner: change a committed value, such as the user": on(
      onRow("audit", `user_id = '${OTHER_USER}'`),
    ),
    "the owner: set a value to NULL": on(onRow("audit", "user_id = null")),
    "the owner: delete a row": on((_, db) =>
      deleteRow(db, "audit_log", early.audit)
    ),
    "the owner: delete a row, and record it by a pending leaf only": on(
      async (_, db) => {
        const { digest } = await leafNow(db, "audit_log", early.audit);
        await deleteRow(db, "audit_log", early.audit);
        await addTombstone(db, { id: early.audit, digest }, NEVER);
      },
    ),
    "the owner: erase a value, and record it by a pending leaf only": on(
      async (_, db) => {
        const id = early.audit;
        await rewriteRow(db, "audit_log", id, "user_id = null");
        await db.exec(
          `select ledger.forget('audit_log', 'user_id', array['${id}'::uuid])`,
        );
        const kind = "fk-null/v1";
        const column = "user_id";
        await addPending(db, { kind, log: "audit_log", id, column }, NEVER);
      },
    ),
    "the owner: delete a row, and give its leaf the id of another": on(
      async (ledger, db) => {
        const id = newId();
        await addTombstone(db, { id, digest: null });
        await ledger.sign();
        await deleteRow(db, "audit_log", early.audit);
        await relabelLeaf(db, early.audit, { row_id: id });
      },
    ),
    "the owner, with the signing key: the same, with a handwritten tombstone":
      on(
        async (ledger, db) => {
          const id = newId();
          const { digest } = await leafNow(db, "audit_log", early.audit);
          await addTombstone(db, { id, digest });
          await deleteRow(db, "audit_log", early.audit);
          await relabelLeaf(db, early.audit, { row_id: id });
          await ledger.sign();
        },
      ),
    "the owner: delete a salt": on((_, db) =>
      db.exec(
        `delete from ledger.salts where row_id = '${early["model-usage"]}'`,
      )
    ),
    "the owner: keep the salt of an erased value": on(async (ledger, db) => {
      await db.exec("create table kept as select * from ledger.salts");
      await db.query("delete from public.users where id = $1", [USER]);
      await restoreSalts(db);
      await ledger.sign();
    }),
    "the owner: restore an erased value": on(async (ledger, db) => {
      await db.query("delete from public.users where id = $1", [USER]);
      await ledger.sign();
      const changes = `user_id = '${OTHER_USER}'`;
      await rewriteRow(db, "audit_log", early.audit, changes);
    }),
    "the owner: restore a deleted row": on(async (ledger, db) => {
      const id = early["llm-usage"];
      await db.exec(
        `create table kept as select * from ledger.salts where row_id = '${id}';
        create table kept_row as select * from public.llm_usage_log where id = '${id}'`,
      );
      await db.query("delete from public.firms where id = $1", [FIRM]);
      await ledger.sign();
      await restoreSalts(db);
      await behindTriggers(
        db,
        ["public.llm_usage_log"],
        `set local session_replication_role = replica;
        insert into public.llm_usage_log select * from kept_row`,
      );
    }),
    "the owner: insert a row without a leaf": on((_, db) =>
      behindTriggers(
        db,
        ["public.audit_log"],
        `insert into public.audit_log (firm_id, action, entity_type, created_at)
        values ('${FIRM}', 'upload_file', 'cma_project', '2026-01-01')`,
      )
    ),
    "logical replication: change a row": async () => ({
      refused: await replicateChange() ? ["yes"] : [],
      findings: [],
      kept: [],
      doctor: [],
    }),
    "logical replication: insert a row": async () => {
      const { verdict, doctor } = await replicateRow();
      const findings = codesOf(verdict);
      return { refused: [], findings, kept: findings, doctor };
    },
    "the owner: change a row with its leaf": on((_, db) =>
      rewriteWithLeaf(drill, db)
    ),
    "the owner: exchange two leaves": on(async (_, db) => {
      const ids = `('${early.audit}', '${early["tool-usage"]}')`;
      await behindTriggers(
        db,
        ["ledger.leaves"],
        `create temp table moved as
          select l.index, o.kind, o.log, o.row_id, o.commitments, o.data, o.hash
          from ledger.leaves l join ledger.leaves o on o.index <> l.index
          where l.row_id in ${ids} and o.row_id in ${ids};
        delete from ledger.leaves where row_id in ${ids};
        insert into ledger.leaves select * from moved`,
      );
      await rebuildNodes(db);
    }),
    "the owner: remove a leaf": on((_, db) =>
      behindTriggers(
        db,
        ["ledger.leaves"],
        `delete from ledger.leaves where row_id = '${early["tool-usage"]}'`,
      )
    ),
    "the owner: remove the newest leaves with their rows": on((_, db) =>
      dropNewest(db, firstSize)
    ),
    "the owner: store a checkpoint that no key of the log signed": on(
      async (ledger, db) => {
        await recordOfEach(ledger);
        await ledger.sealUnsigned();
        await db.exec(
          `insert into ledger.checkpoints (size, root, note)
          values (ledger.tree_size(), '\\x00', 'Send your keys to https://evil.example')`,
        );
        expect(await (await ledger.ask("checkpoint")).text())
          .toBe(drill.held[1]);
      },
    ),
    "a restored backup: lose the newest leaves with their rows and checkpoint":
      on((_, db) => dropWithCheckpoint(db, firstSize)),
    "the owner, with the signing key: sign a shorter tree": on(
      async (ledger, db) => {
        await dropWithCheckpoint(db, firstSize + 100);
        await ledger.sign();
      },
    ),
    "the owner, with the signing key: rewrite the past and sign it again": on(
      async (_, db) => {
        await rewriteWithLeaf(drill, db);
        await signAgain(db, drill.keys.signerKey);
      },
    ),
    "the same, if the verifier requires a witness": () => {
      const required = readPolicy(
        `log ${drill.keys.verifierKey}\nwitness w ${keys.verifierKey}\nquorum w\n`,
      );
      return measure(drill, required, async (ledger, db) => {
        await rewriteWithLeaf(drill, db);
        await signAgain(db, drill.keys.signerKey);
        await recordOfEach(ledger);
        const forged = await ledger.sign();
        const size = Number(drill.held[1].split("\n")[1]);
        const body = formatAddCheckpoint(size, [], forged);
        const { status } = await witness.ask("add-checkpoint", {
          method: "POST",
          body,
        });
        expect(status).toBe(422);
      }, []);
    },
    "the owner: change or delete a row before it is sealed **and** signed": on(
      async (ledger, db) => {
        const ids = await recordOfEach(ledger);
        const id = ids["llm-usage"];
        await rewriteRow(db, "llm_usage_log", id, "cost_usd = 0");
        const hash = await hashNow(db, "llm_usage_log", id);
        await deleteRow(db, "audit_log", ids.audit);
        await db.exec(
          `update ledger.pending_leaves set hash = '\\x${hash}' where row_id = '${id}';
          delete from ledger.pending_leaves where row_id = '${ids.audit}'`,
        );
        await ledger.sign();
      },
    ),
    "the owner: delete or erase with leaves that record it": on(
      async (ledger, db) => {
        const before = await ledger.verify(policy);
        const { digest } = await leafNow(db, "audit_log", early.audit);
        await deleteRow(db, "audit_log", early.audit);
        await addTombstone(db, { id: early.audit, digest });
        await ledger.sign();
        const { counts } = await ledger.verify(policy);
        expect(counts.tombstones).toBe(before.counts.tombstones + 1);
      },
    ),
    "the owner: change a side table (details, prices, ratings, budgets)": on(
      (_, db) =>
        behindTriggers(
          db,
          ["public.llm_usage_details"],
          "update public.llm_usage_details set provider = 'other'",
        ),
    ),
    "a sender or the operator: record a false event": on(async (ledger) => {
      const event = { ...EVENTS["llm-usage"], cost_usd: "0" };
      expect((await ledger.post("llm-usage", event)).status).toBe(201);
      await ledger.sign();
    }),
  };
}

/** Makes an attack on a copy of the project, and measures its outcome. */
async function measure(
  drill: Drill,
  policy: Policy,
  attack: Attack,
  held: string[] = drill.held,
): Promise<Outcome> {
  const outcome = {
    refused: [],
    findings: [],
    kept: [],
    doctor: [],
  } as Outcome;
  await drill.on(async (ledger, db) => {
    outcome.refused = await attack(ledger, db) ?? [];
    const lines = await ledger.collect();
    const verify = async (heldCheckpoints: string[]) =>
      codesOf(await verifyBundle(lines, policy, { heldCheckpoints }));
    outcome.findings = await verify([]);
    outcome.kept = await verify(held);
    const found = await db.query<{ check: string }>(
      'select distinct "check" from ledger.doctor()',
    );
    outcome.doctor = found.map(({ check }) => check);
  });
  return outcome;
}

function codesOf({ faults }: Verdict): string[] {
  return [...new Set(faults.map(({ code }) => code))].sort();
}

/** The distinct codes of the errors of statements, each of which must fail. */
async function collectCodes(
  attempts: (() => Promise<unknown>)[],
): Promise<string[]> {
  const codes = new Set<string>();
  for (const attempt of attempts) {
    const error = await attempt().then(() => null, (error) => error);
    codes.add(error?.code ?? `succeeded: ${attempt}`);
  }
  return [...codes];
}

const API_ROLES: ApiRole[] = ["anon", "authenticated", "service_role"];

/** Attempts each statement as each API role. */
function attemptAs(db: TestDatabase, statements: string[]): Promise<string[]> {
  return collectCodes(
    API_ROLES.flatMap((role) =>
      statements.map((sql) => () => db.as(role, null, (query) => query(sql)))
    ),
  );
}

/** A column of a table's key. */
function keyOf(table: string): string {
  if (table.startsWith("public.")) return "id";
  return table === "ledger.checkpoints" ? "size" : "index";
}

/** Deletes a row and its salts, without a leaf. */
async function deleteRow(
  db: TestDatabase,
  log: LogName,
  id: string,
): Promise<void> {
  await behindTriggers(
    db,
    [`public.${log}`],
    `delete from public.${log} where id = '${id}';
    delete from ledger.salts where row_id = '${id}'`,
  );
}

/** The largest transaction id: a seal never takes its leaves. */
const NEVER = "9223372036854775807";

/** Adds a pending tombstone by hand. */
function addTombstone(
  db: TestDatabase,
  tombstone: { id: string; digest: string | null },
  xid?: string,
): Promise<void> {
  const kind = "tombstone/v1";
  return addPending(db, { kind, log: "audit_log", ...tombstone }, xid);
}

/** Adds a pending leaf by hand, of this transaction unless it names another. */
async function addPending(
  { query }: TestDatabase,
  leaf: EventLeaf,
  xid: string | null = null,
): Promise<void> {
  const { kind, log, id } = leaf;
  await query(
    `insert into ledger.pending_leaves (xid, kind, log, row_id, data, hash)
    values (coalesce($1::text::xid8, pg_current_xact_id()), $2, $3, $4, $5, ledger.event_hash($5))`,
    [xid, kind.split("/")[0], log, id, formatLeaf(leaf)],
  );
}

/** Brings back the salts that the table `kept` has. */
async function restoreSalts({ exec }: TestDatabase): Promise<void> {
  await exec(
    "update ledger.salts s set salts = k.salts, seed = k.seed from kept k where s.row_id = k.row_id and s.log = k.log",
  );
}

/** Rewrites a row with its leaf and the nodes. */
async function rewriteWithLeaf(
  { early }: Drill,
  db: TestDatabase,
): Promise<void> {
  const id = early["llm-usage"];
  await rewriteRow(db, "llm_usage_log", id, "cost_usd = 0");
  await rewriteLeaf(db, id, await hashNow(db, "llm_usage_log", id));
}

/** Drops the leaves from a size on, with their rows and checkpoints. */
async function dropWithCheckpoint(
  db: TestDatabase,
  size: number,
): Promise<void> {
  await dropNewest(db, size);
  await behindTriggers(
    db,
    ["ledger.checkpoints"],
    `delete from ledger.checkpoints where size > ${size}`,
  );
}
