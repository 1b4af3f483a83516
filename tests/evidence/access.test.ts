import { permitSigner } from "../../shared/evidence/ledger-keys.ts";
import { describe, expect, test } from "vitest";
import {
  createMigratedDatabase,
  ENGINES,
  overPostgres,
  queryAs,
  type TestDatabase,
  useDatabase,
} from "../support/databases.ts";
import { addModelUsage, insertParents } from "../support/log-rows.ts";
import {
  countEvidence,
  expectOneLeaf,
  sealAll,
} from "../support/evidence-leaves.ts";

describe.each(ENGINES)("access to evidence on $name", (engine) => {
  const db = useDatabase(engine.migrated);

  test("API roles have no privilege on evidence in schema ledger", async () => {
    const rows = await db.query(
      `select c.relname as object, role, privilege
        from pg_class c, unnest('{anon,authenticated,service_role}'::text[]) role,
          unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER,MAINTAIN}'::text[]) privilege
        where c.oid = any ('{ledger.pending_leaves,ledger.salts,ledger.leaves,ledger.nodes,ledger.checkpoints,ledger.witnessed}'::regclass[])
          and has_table_privilege(role, c.oid, privilege)
        union all
        select c.relname, role, privilege
        from pg_class c, unnest('{anon,authenticated,service_role}'::text[]) role,
          unnest('{USAGE,SELECT,UPDATE}'::text[]) privilege
        where c.relnamespace = 'ledger'::regnamespace and c.relkind = 'S'
          and has_sequence_privilege(role, c.oid, privilege)
        union all
        select p.proname, role, 'EXECUTE'
        from pg_proc p, unnest('{anon,authenticated,service_role}'::text[]) role
        where p.pronamespace = 'ledger'::regnamespace and has_function_privilege(role, p.oid, 'execute')
          and p.proname in (
            'committed_columns', 'leaf_text', 'leaf_expression', 'event_hash', 'commitment_expression',
            'capture_statement', 'capture', 'refuse_change', 'subtree_root', 'tile', 'tree_size', 'rebase_pending',
            'row_texts', 'hexes', 'require_log', 'erase', 'erase_person')
        union all
        select p.proname, role, 'EXECUTE'
        from pg_proc p, unnest('{anon,authenticated,service_role}'::text[]) role
        where p.pronamespace = 'ledger'::regnamespace and has_function_privilege(role, p.oid, 'execute')
          and p.proname ~ '^capture_(insert|update|delete)_'`,
    );
    expect(rows).toEqual([]);
  });

  test("only the service role may execute the functions that read and seal", async () => {
    const rows = await db.query<{ name: string; roles: string[] }>(
      `select n.nspname || '.' || p.proname as name,
        array(select r from unnest('{anon,authenticated,service_role}'::text[]) r
          where has_function_privilege(r, p.oid, 'execute')) as roles
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where (n.nspname, p.proname) in (
          ('ledger', 'seal'), ('ledger', 'state'), ('ledger', 'tiles'), ('ledger', 'add_checkpoint'),
          ('ledger', 'checkpoints_from'), ('ledger', 'entries'), ('ledger', 'export'), ('ledger', 'unsealed'),
          ('ledger', 'witnessed_of'), ('ledger', 'witness'),
          ('public', 'seal_ledger'), ('public', 'read_ledger_state'), ('public', 'read_ledger_tiles'),
          ('public', 'read_ledger_entries'), ('public', 'read_ledger_checkpoints'), ('public', 'export_ledger'),
          ('public', 'read_unsealed_rows'), ('public', 'add_ledger_checkpoint'), ('public', 'read_witnessed'),
          ('public', 'witness_checkpoint'))`,
    );
    expect(rows).toHaveLength(20);
    for (const { name, roles } of rows) {
      expect(roles, name).toEqual(["service_role"]);
    }
  });

  test.each(["anon", "authenticated", "service_role"] as const)(
    "%s can neither read nor write evidence",
    async (role) => {
      for (
        const sql of [
          "select from ledger.pending_leaves",
          "select from ledger.salts",
          "select from ledger.leaves",
          "select from ledger.nodes",
          "select from ledger.checkpoints",
          "select from ledger.witnessed",
          "insert into ledger.leaves (index, kind, hash) values (0, 'row', '')",
          "insert into ledger.pending_leaves (kind, log, row_id, hash) values ('row', 'audit_log', gen_random_uuid(), '')",
          "delete from ledger.pending_leaves",
          "update ledger.salts set salts = '{}'",
          "select ledger.capture('audit_log')",
          "select ledger.event_hash('x')",
          "select ledger.rebase_pending()",
          "select ledger.erase('audit_log', '{}', '{metadata}', 't', '{a,b}')",
          "select nextval('ledger.pending_leaves_seq_seq')",
        ]
      ) {
        await expect(queryAs(db, role, null, sql), sql).rejects
          .toMatchObject({ code: "42501" });
      }
    },
  );

  test.each(["users", "accepted_state", "no_such_table", null])(
    "%s is not a log, and has no evidence",
    async (name) => {
      for (
        const call of [
          "read_ledger_entries($1, array[gen_random_uuid()])",
          "read_unsealed_rows($1)",
        ]
      ) {
        await expect(
          queryAs(db, "service_role", null, `select public.${call}`, [name]),
        ).rejects.toMatchObject({ code: "22023" });
      }
    },
  );
});

/** What the service role may call, each of which runs as the owner. */
const CALLS = [
  "ledger.seal()",
  "ledger.state()",
  `ledger.tiles('[{"level": 0, "index": 0}]')`,
  "ledger.entries('model_usage_log', array(select id from public.model_usage_log))",
  "ledger.export(0, 10)",
  "ledger.unsealed('model_usage_log')",
  "ledger.checkpoints_from(0)",
  "ledger.add_checkpoint(0, 1, 'AAAA', 'note', '{secret}')",
  "ledger.witness('origin', 0, 1, 'AAAA', 'note', '{secret}')",
  "ledger.witnessed_of('origin')",
];

describe("types that a caller defines on PostgreSQL 17", () => {
  // In a session of its own: what was called before knows its types already.
  const asCaller = async <Result>(
    url: string,
    work: (session: TestDatabase) => Promise<Result>,
  ): Promise<Result> => {
    const session = overPostgres(url);
    try {
      await session.exec("set role service_role");
      for (
        const name of [
          "text",
          "bytea",
          "uuid",
          "name",
          "xid8",
          "jsonb",
          "regclass",
          "timestamptz",
        ]
      ) {
        await session.exec(
          `create domain pg_temp.${name} as pg_catalog.int4 check (false)`,
        );
      }
      return await work(session);
    } finally {
      await session.close();
    }
  };

  test("do not affect ledger.member_firm_id()", async () => {
    const url = await createMigratedDatabase();
    const db = overPostgres(url);
    try {
      const parents = await insertParents(db);
      const firm = await asCaller(url, async ({ query, exec }) => {
        await exec("set role authenticated");
        await query("select set_config('request.jwt.claims', $1, false)", [
          JSON.stringify({ sub: parents.user1 }),
        ]);
        return await query(
          "select ledger.member_firm_id()::pg_catalog.text as id",
        );
      });
      expect(firm).toEqual([{ id: parents.firm1 }]);
    } finally {
      await db.close();
    }
  });

  test("do not affect SECURITY DEFINER functions", async () => {
    const url = await createMigratedDatabase();
    const db = overPostgres(url);
    try {
      const id = crypto.randomUUID();
      await asCaller(url, ({ query }) => addModelUsage(query, { id }));
      await expectOneLeaf(db.query, "model_usage_log", id);
      await sealAll(db);
      await addModelUsage(db.query);
      await db.query(permitSigner("checkpoint", "secret"));
      await db.query(permitSigner("cosignature", "secret"));
      for (const call of CALLS) {
        const rows = await asCaller(
          url,
          ({ query }) => query(`select ${call} is not null as answered`),
        );
        expect(rows, call).toEqual([{ answered: true }]);
      }
      expect(await countEvidence(db.query)).toMatchObject({ salts: 2 });
    } finally {
      await db.close();
    }
  });
});
