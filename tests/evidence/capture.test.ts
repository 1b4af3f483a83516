import { describe, expect, test } from "vitest";
import { ENGINES, type Query, useDatabase } from "../support/databases.ts";
import { LOGS } from "../support/specification.ts";
import {
  addAudit,
  addToolUsage,
  insertParents,
  useParents,
} from "../support/log-rows.ts";
import { columnsOf, events, record } from "./events.ts";
import {
  addBeforeCapture,
  countEvidence,
  expectOneLeaf,
} from "../support/evidence-leaves.ts";

/** Columns that may be NULL, of any log. */
const NULLABLE = [
  "cma_project_id",
  "error_message",
  "success",
  "user_id",
  "entity_id",
  "metadata",
  "ip_address",
  "venture_id",
  "tokens_consumed",
  "session_id",
  "phase",
  "config_matches_reported",
];

describe.each(ENGINES)("capture on $name", (engine) => {
  const db = useDatabase(engine.migrated);
  const parents = useParents(db);

  describe.each(LOGS)("of %s writes one correct leaf", (log) => {
    test("for each event of a batch", async () => {
      const batch = [1, 2, 3].map(() => ({
        ...events(parents)[log],
        id: crypto.randomUUID(),
      }));
      await db.as(
        "service_role",
        null,
        (query) => record(query, log, batch),
      );
      for (const { id } of batch) await expectOneLeaf(db.query, log, id);
    });

    test("for a row with required columns only", async () => {
      const needed = Object.fromEntries(
        Object.entries(events(parents)[log]).map((
          [name, value],
        ) => [name, NULLABLE.includes(name) ? null : value]),
      );
      const { names, values, places } = columnsOf(needed);
      const [{ id }] = await db.query<{ id: string }>(
        `insert into public.${log} (${names}) values (${places()}) returning id`,
        values,
      );
      await expectOneLeaf(db.query, log, id);
    });

    test.each(["service_role", "owner"] as const)(
      "for each row of an INSERT of several by %s",
      async (role) => {
        const event = { ...events(parents)[log] };
        const { names, values, places } = columnsOf(event);
        const sql =
          `insert into public.${log} (${names}) values (${places()}), (${
            places(values.length + 1)
          }) returning id`;
        const insert = (query: Query) =>
          query<{ id: string }>(sql, [...values, ...values]);
        const rows = role === "owner"
          ? await insert(db.query)
          : await db.as(role, null, insert);
        expect(rows).toHaveLength(2);
        for (const { id } of rows) await expectOneLeaf(db.query, log, id);
      },
    );

    test("for each row that INSERT … ON CONFLICT DO NOTHING inserts", async () => {
      const old = { ...events(parents)[log], id: crypto.randomUUID() };
      await record(db.query, log, [old]);
      const fresh = { ...old, id: crypto.randomUUID() };
      const { names, values, places } = columnsOf(old);
      await db.query(
        `insert into public.${log} (${names}) values (${places()}), (${
          places(values.length + 1)
        }) on conflict (id) do nothing`,
        [...values, ...columnsOf(fresh).values],
      );
      for (const { id } of [old, fresh]) {
        await expectOneLeaf(db.query, log, id);
      }
    });

    test("for each row that MERGE inserts", async () => {
      const old = { ...events(parents)[log], id: crypto.randomUUID() };
      await record(db.query, log, [old]);
      const id = crypto.randomUUID();
      const others = Object.keys(old).filter((name) => name !== "id");
      await db.query(
        `merge into public.${log} t
          using (select o.*, n.fresh from public.${log} o, (values ($1::uuid), ($2::uuid)) n (fresh) where o.id = $1) s
          on t.id = s.fresh
          when not matched then insert (id, ${others}) values (s.fresh, ${
          others.map((name) => `s.${name}`)
        })`,
        [old.id, id],
      );
      for (const one of [old.id, id]) await expectOneLeaf(db.query, log, one);
    });

    test("for each row that COPY inserts", async () => {
      const old = { ...events(parents)[log], id: crypto.randomUUID() };
      await record(db.query, log, [old]);
      const id = crypto.randomUUID();
      const [{ directory }] = await db.query<{ directory: string }>(
        "select current_setting('data_directory') as directory",
      );
      const file = `'${directory}/${id}'`;
      await db.exec(
        `create temp table copied as select * from public.${log} where id = '${old.id}';
         update copied set id = '${id}';
         copy copied to ${file}; copy public.${log} from ${file}; drop table copied`,
      );
      for (const one of [old.id, id]) await expectOneLeaf(db.query, log, one);
    });

    test("under session_replication_role = replica", async () => {
      const event = { ...events(parents)[log], id: crypto.randomUUID() };
      const { names, values, places } = columnsOf(event);
      await db.exec("begin; set local session_replication_role = replica");
      await db.query(
        `insert into public.${log} (${names}) values (${places()})`,
        values,
      );
      await db.exec("commit");
      await expectOneLeaf(db.query, log, event.id);
    });

    test("under any output settings of the session", async () => {
      const event = { ...events(parents)[log], id: crypto.randomUUID() };
      await db.exec(`begin; set local timezone = 'Asia/Kathmandu';
        set local datestyle = 'German, DMY'; set local intervalstyle = 'sql_standard';
        set local bytea_output = 'escape'; set local extra_float_digits = -15;
        set local standard_conforming_strings = off; set local xmlbinary = 'hex';
        set local quote_all_identifiers = on; set local array_nulls = off`);
      await record(db.query, log, [event]);
      await db.exec("commit");
      await expectOneLeaf(db.query, log, event.id);
    });

    test("beside temporary tables, types and functions of the caller", async () => {
      const event = { ...events(parents)[log], id: crypto.randomUUID() };
      const { names, values, places } = columnsOf(event);
      // A plan of an earlier call knows its types already.
      await db.exec("discard plans; begin; set local role service_role");
      try {
        for (const name of ["new_rows", "fresh", "pending_leaves", "salts"]) {
          await db.exec(`create temp table ${name} (id int)`);
        }
        for (const name of ["text", "bytea", "uuid", "name", "xid8", "jsonb"]) {
          await db.exec(`create type pg_temp.${name} as (v pg_catalog.int4)`);
        }
        await db.exec(
          `create function pg_temp.sha256(pg_catalog.bytea) returns pg_catalog.bytea language sql as 'select $1';
         set local search_path = pg_temp, public, pg_catalog`,
        );
        await db.query(
          `insert into public.${log} (${names}) values (${places()})`,
          values,
        );
        await db.exec("commit");
      } finally {
        await db.exec("rollback; discard temp");
      }
      await expectOneLeaf(db.query, log, event.id);
    });

    test("for an event that is retried, alone and beside a new one", async () => {
      const event = { ...events(parents)[log], id: crypto.randomUUID() };
      const fresh = { ...event, id: crypto.randomUUID() };
      await record(db.query, log, [event, event]);
      await record(db.query, log, [event]);
      const before = await countEvidence(db.query);
      const outcomes = await record(db.query, log, [event]);
      expect(outcomes).toMatchObject([{ outcome: "duplicate" }]);
      expect(await countEvidence(db.query)).toEqual(before);
      await record(db.query, log, [event, fresh]);
      for (const { id } of [event, fresh]) {
        await expectOneLeaf(db.query, log, id);
      }
    });
  });

  test("a time beyond a bigint of microseconds is captured", async () => {
    // As in a row from before the installation, whose leaf is of the same text.
    await db.exec("alter table audit_log disable trigger bound_values");
    const [{ id }] = await db.query<{ id: string }>(
      `insert into audit_log (firm_id, action, entity_type, created_at)
        values ($1, 'a', 'b', '294276-12-31 23:59:59.999999+00') returning id`,
      [parents.firm1],
    );
    await db.exec("alter table audit_log enable always trigger bound_values");
    await expectOneLeaf(db.query, "audit_log", id);
  });

  test("rows from before capture have backfill leaves", async () => {
    const old = await engine.migrated();
    try {
      const w = await insertParents(old);
      const ids = await addBeforeCapture(old, async (log) => {
        const { names, values, places } = columnsOf(events(w)[log]);
        const rows = await old.query<{ id: string }>(
          `insert into public.${log} (${names}) values (${places()}), (${
            places(values.length + 1)
          }) returning id`,
          [...values, ...values],
        );
        return rows.map(({ id }) => id);
      });
      for (const log of LOGS) {
        for (const id of ids[log]) {
          await expectOneLeaf(old.query, log, id, "backfill/v1");
        }
      }
      expect(await countEvidence(old.query)).toMatchObject({ pending: 8 });
      expect(await old.query("select * from ledger.doctor()")).toEqual([]);
    } finally {
      await old.close();
    }
  });

  test("every log has three triggers, all ENABLE ALWAYS and per statement", async () => {
    const rows = await db.query(
      `select c.relname || ' ' || t.tgname as name, t.tgenabled::text as enabled, t.tgtype::int & 1 as per_row
        from pg_trigger t join pg_class c on c.oid = t.tgrelid
        where t.tgname like 'capture\\_%' order by 1`,
    );
    expect(rows).toEqual(
      LOGS.flatMap((log) =>
        ["capture_delete", "capture_insert", "capture_update"].map((name) => ({
          name: `${log} ${name}`,
          enabled: "A",
          per_row: 0,
        }))
      ).sort((one, other) => one.name < other.name ? -1 : 1),
    );
  });

  test.each([
    ["is disabled", "disable trigger capture_insert"],
    ["is silenced by replica mode", "enable trigger capture_update"],
    ["fires in replica mode alone", "enable replica trigger capture_delete"],
  ])("the doctor finds a capture trigger that %s", async (_, change) => {
    const [, name] = /(capture_\w+)/.exec(change)!;
    await db.exec(`begin; alter table audit_log ${change}`);
    const findings = await db.query("select * from ledger.doctor()");
    await db.exec("rollback");
    expect(findings).toMatchObject([{
      check: "trigger",
      object: `${name} on public.audit_log`,
    }]);
  });

  test("the doctor finds a missing capture trigger", async () => {
    await db.exec("begin; drop trigger capture_insert on audit_log");
    const findings = await db.query("select * from ledger.doctor()");
    await db.exec("rollback");
    expect(findings).toMatchObject([{
      object: "capture_insert on public.audit_log",
      problem: expect.stringContaining("is gone"),
    }]);
  });

  test.each([
    ["is disabled", "alter table ledger.leaves disable trigger refuse_change"],
    ["is gone", "drop trigger refuse_change on ledger.nodes"],
    [
      "fires for some changes alone",
      `create or replace trigger refuse_change before delete on ledger.checkpoints
        for each statement execute function ledger.refuse_change();
       alter table ledger.checkpoints enable always trigger refuse_change`,
    ],
  ])(
    "the doctor finds a trigger on sealed evidence that %s, with its remedy",
    async (_, change) => {
      await db.exec(`begin; ${change}`);
      const findings = await db.query<{ object: string; remedy: string }>(
        "select * from ledger.doctor()",
      );
      await db.exec(findings[0].remedy);
      const mended = await db.query("select * from ledger.doctor()");
      await db.exec("rollback");
      expect(findings).toMatchObject([{ check: "evidence" }]);
      expect(change).toContain(
        findings[0].object.slice("refuse_change on ".length),
      );
      expect(mended).toEqual([]);
    },
  );

  test("the doctor finds a trigger on sealed evidence that refuses nothing", async () => {
    await db.exec(
      `begin; create or replace function ledger.refuse_change() returns trigger
        language plpgsql set search_path = pg_catalog, pg_temp as 'begin return null; end'`,
    );
    const findings = await db.query("select * from ledger.doctor()");
    await db.exec("rollback");
    expect(findings).toMatchObject([{ object: "ledger.refuse_change()" }]);
  });

  test("salts are unique, one for each committed column of each row", async () => {
    await addToolUsage(db.query, {
      agent_id: parents.agent,
      tool_id: parents.tool,
    });
    for (let n = 0; n < 20; n++) {
      await addAudit(db.query, { firm_id: parents.firm1 });
    }
    const [row] = await db.query(
      `select count(*) = count(distinct s) as different, bool_and(length(s) = 16) as long,
        count(*) > 80 as many,
        (select count(seed)::int from ledger.salts where log = 'tool_usage_ledger') as of_tools
        from ledger.salts, unnest(ledger.salts_of(seed, salts, 4)) s where log = 'audit_log'`,
    );
    expect(row).toEqual({
      different: true,
      long: true,
      many: true,
      of_tools: 0,
    });
  });

  test("of a user's row is the same as of a service's", async () => {
    const ids = [crypto.randomUUID(), crypto.randomUUID()];
    const insert = (id: string) => (query: Query) =>
      query(
        "insert into public.model_usage_log (id, reported_model_name, reported_model_id) values ($1, 'a', 'b')",
        [id],
      );
    await db.as("anon", null, insert(ids[0]));
    await db.as("authenticated", { sub: parents.user1 }, insert(ids[1]));
    for (const id of ids) await expectOneLeaf(db.query, "model_usage_log", id);
  });
});
