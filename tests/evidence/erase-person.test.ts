import { describe, expect, test } from "vitest";
import type { LogName } from "../../shared/logs/index.ts";
import {
  createMigratedDatabase,
  overPostgres,
  SERVER_ONLY,
  useDatabase,
} from "../support/databases.ts";
import { openOwnedDatabase } from "../support/owned-database.ts";
import {
  addAudit,
  addLlmUsage,
  addModelUsage,
  insertParents,
  useParents,
} from "../support/log-rows.ts";
import {
  expectOneLeaf,
  type KeptLeaf,
  readEverything,
  readLeaves,
  sealAll,
  untilWaiting,
} from "../support/evidence-leaves.ts";

const BY = "'TICKET-7', '{ann,Bea}'";

describe.each(SERVER_ONLY)("erasure of a person on $name", (engine) => {
  const db = useDatabase(() => openOwnedDatabase(engine));
  const parents = useParents(db);

  const addRich = (columns: Record<string, unknown> = {}) =>
    addAudit(db.query, {
      firm_id: parents.firm1,
      user_id: parents.user1,
      entity_id: parents.project1,
      metadata: { note: "private" },
      ip_address: "192.0.2.77",
      ...columns,
    });
  const readAll = () => readEverything(db.query);

  const tag = crypto.randomUUID().slice(0, 8);
  const EMAIL = `Ada."${tag}"@example.org`;
  const IP = `2001:db8::${tag.slice(0, 4)}`;
  const NOTE = `personal note ${tag}`;

  /** Inserts rows with personal data of the user, and one without. */
  async function write() {
    await db.query("update users set email = $2 where id = $1", [
      parents.user1,
      EMAIL,
    ]);
    const [own, about, naming] = [
      await addRich({ metadata: { note: NOTE, to: EMAIL }, ip_address: IP }),
      await addRich({ user_id: parents.user2, entity_id: parents.user1 }),
      await addRich({
        user_id: parents.user2,
        metadata: { invited: [{ mail: EMAIL.toUpperCase() }] },
      }),
    ];
    const byId = await addRich({
      user_id: parents.user2,
      metadata: { who: parents.user1.toUpperCase() },
    });
    const model = await addModelUsage(db.query, {
      session_id: "s",
      metadata: { for: `user:${parents.user1}` },
    });
    const error = await addLlmUsage(db.query, {
      firm_id: parents.firm1,
      error_message: `No mailbox ${EMAIL} (${NOTE})`,
    });
    const stays = await addRich({
      user_id: parents.user2,
      metadata: { note: "of another user" },
    });
    // What the planner remembers of values is a place to look too.
    await db.exec("analyze");
    return { own, about, naming, byId, model, error, stays };
  }

  const erase = async (names: (string | null)[] = [EMAIL]) => {
    const [{ erased }] = await db.query<{ erased: number }>(
      `select ledger.erase_person('${parents.user1}', ${BY},
          array(select jsonb_array_elements_text($1::text::jsonb)))::int as erased`,
      [JSON.stringify(names)],
    );
    return erased;
  };

  test("leaves no personal data anywhere in the database", async () => {
    const rows = await write();
    const traces = [EMAIL, JSON.stringify(EMAIL).slice(1, -1), IP, NOTE]
      .concat(parents.user1).map((trace) => trace.toLowerCase());
    const found = await findEverywhere(traces);
    // The search can find: in rows, and in what ANALYZE keeps of them.
    expect(found).toEqual(expect.arrayContaining([
      "public.audit_log.user_id",
      "public.audit_log.entity_id",
      "public.audit_log.metadata",
      "public.audit_log.ip_address",
      "public.llm_usage_log.error_message",
      "public.model_usage_log.metadata",
      "public.users.email",
      "pg_catalog.pg_statistic.stavalues1",
    ]));
    const sealed = await sealAll(db);
    expect(sealed.pending).toBe(0);

    expect(await erase()).toBe(8);
    await db.query("delete from users where id = $1", [parents.user1]);
    await db.exec("analyze users");
    expect(await findEverywhere(traces)).toEqual([]);

    await expectOneLeaf(db.query, "audit_log", rows.stays);
    const kinds = (leaves: KeptLeaf[]) =>
      leaves.slice(1).map(({ kind, data }) => `${kind} ${JSON.parse(data!)[3]}`)
        .sort();
    expect(kinds(await readLeaves(db.query, "audit_log", rows.own))).toEqual([
      "redact ip_address",
      "redact metadata",
      "redact user_id",
    ]);
    for (
      const [log, id, column] of [
        ["audit_log", rows.about, "entity_id"],
        ["audit_log", rows.naming, "metadata"],
        ["audit_log", rows.byId, "metadata"],
        ["model_usage_log", rows.model, "metadata"],
        ["llm_usage_log", rows.error, "error_message"],
      ] as [LogName, string, string][]
    ) {
      expect(kinds(await readLeaves(db.query, log, id))).toEqual([
        `redact ${column}`,
      ]);
    }
    expect(await db.query("select * from ledger.doctor()")).toEqual([]);
  });

  test("without further names finds the user's id", async () => {
    const { naming, error } = await write();
    expect(await erase([])).toBe(6);
    await expectOneLeaf(db.query, "audit_log", naming);
    await expectOneLeaf(db.query, "llm_usage_log", error);
  });

  test.each([
    ["a blank name", "   "],
    ["a name that is everywhere", "an"],
    ["NULL for a name", null],
  ])("is refused with %s", async (_, name) => {
    await write();
    const before = await readAll();
    await expect(erase([EMAIL, name])).rejects.toMatchObject({ code: "22023" });
    expect(await readAll()).toEqual(before);
  });

  test("a retried event does not restore erased values", async () => {
    const event = {
      id: crypto.randomUUID(),
      firm_id: parents.firm1,
      user_id: parents.user1,
      action: "a",
      entity_type: "b",
      metadata: { note: NOTE },
      ip_address: IP,
    };
    const record = () =>
      db.query<{ results: { outcome: string; fields?: string[] }[] }>(
        "select public.record_audit_log($1::text::jsonb, representation => true) as results",
        [JSON.stringify([event])],
      );
    await record();
    await erase();
    await db.query("delete from users where id = $1", [parents.user1]);
    const leaves = await readLeaves(db.query, "audit_log", event.id);
    const [{ results }] = await record();
    expect(results).toEqual([{
      index: 0,
      id: event.id,
      outcome: "conflict",
      fields: ["metadata", "ip_address"],
    }]);
    expect(await readLeaves(db.query, "audit_log", event.id)).toEqual(leaves);
    expect(
      await db.query(
        "select user_id, metadata, ip_address from audit_log where id = $1",
        [event.id],
      ),
    ).toEqual([{ user_id: null, metadata: null, ip_address: null }]);
  });

  /** `schema.table.column` wherever one of the texts is, in every table that there is. */
  async function findEverywhere(texts: string[]): Promise<string[]> {
    const columns = await db.query<{ table: string; name: string }>(
      `select format('%I.%I', n.nspname, c.relname) as table, a.attname as name
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
          join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
          where c.relkind in ('r', 'm', 'S', 't') and n.nspname not like 'pg\\_temp%' order by 1, a.attnum`,
    );
    expect(new Set(columns.map(({ table }) => table)).size).toBeGreaterThan(
      80,
    );
    const found = await db.query<{ place: string }>(
      columns.map(({ table, name }) =>
        `select '${table}.${name}' as place where exists (
            select from ${table} t, unnest($1::text[]) x where strpos(lower(t."${name}"::text), x) > 0)`
      ).join("\nunion all\n"),
      [texts],
    );
    return found.map(({ place }) => place);
  }
});

describe("concurrent erasure of a person on PostgreSQL 17", () => {
  test("includes rows that are committed while it waits", async () => {
    const url = await createMigratedDatabase();
    const [db, other, watch] = [1, 2, 3].map(() => overPostgres(url));
    try {
      const w = await insertParents(db);
      await other.exec("begin");
      const id = await addAudit(other.query, {
        firm_id: w.firm1,
        user_id: w.user1,
        ip_address: "192.0.2.1",
      });
      const erasing = db.query<{ erased: number }>(
        `select ledger.erase_person('${w.user1}', ${BY})::int as erased`,
      );
      await untilWaiting(watch);
      await other.exec("commit");
      expect(await erasing).toEqual([{ erased: 2 }]);
      const leaves = await readLeaves(db.query, "audit_log", id);
      expect(leaves.map(({ kind }) => kind)).toEqual([
        "row",
        "redact",
        "redact",
      ]);
    } finally {
      for (const one of [db, other, watch]) await one.close();
    }
  });
});
