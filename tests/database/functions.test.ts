import { describe, expect, test } from "vitest";
import { ENGINES, queryAs, useDatabase } from "../support/databases.ts";
import { LOGS } from "../support/specification.ts";

const SEARCH_PATH = "search_path=pg_catalog, pg_temp";
/**
 * That of functions during which objects of the project's own run: triggers on a
 * log, and functions in its policies. They may name tables without a schema.
 */
const OPEN_SEARCH_PATH = "search_path=pg_catalog, public, extensions, pg_temp";

describe.each(ENGINES)("the functions on $name", (engine) => {
  const db = useDatabase(engine.migrated);

  describe.each(LOGS)("record_%s", (log) => {
    test("exists once and takes the events as jsonb", async () => {
      const rows = await db.query<{ parameter: string; returns: string }>(
        `select format_type(proargtypes[0], null) as parameter, prorettype::regtype::text as returns
          from pg_proc where pronamespace = 'public'::regnamespace and proname = $1`,
        [`record_${log}`],
      );
      expect(rows).toEqual([{ parameter: "jsonb", returns: "jsonb" }]);
    });

    test("is SECURITY INVOKER and pins its search path", async () => {
      const [row] = await db.query<{ definer: boolean; settings: string[] }>(
        `select prosecdef as definer, proconfig as settings
          from pg_proc where pronamespace = 'public'::regnamespace and proname = $1`,
        [`record_${log}`],
      );
      expect(row.definer).toBe(false);
      expect(row.settings).toContain(OPEN_SEARCH_PATH);
    });

    test("can be executed by the service role and its owner only", async () => {
      const rows = await db.query<{ role: string }>(
        `select case a.grantee when 0 then 'public' else a.grantee::regrole::text end as role
          from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
          where p.pronamespace = 'public'::regnamespace and p.proname = $1
            and a.grantee <> p.proowner`,
        [`record_${log}`],
      );
      expect(rows).toEqual([{ role: "service_role" }]);
    });
  });

  test("each API function can be executed by its documented roles", async () => {
    const rows = await db.query<{ name: string; roles: string }>(
      `select p.proname as name, string_agg(
          case a.grantee when 0 then 'public' else a.grantee::regrole::text end,
          ', ' order by a.grantee::regrole::text) as roles
        from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        where p.pronamespace = 'public'::regnamespace and a.grantee <> p.proowner
          and not p.proname = any (select 'record_' || l.name from ledger.logs l) and p.proname <> 'fn_is_chairman'
        group by p.oid, p.proname`,
    );
    expect(Object.fromEntries(rows.map(({ name, roles }) => [name, roles])))
      .toEqual({
        list_log: "authenticated, service_role",
        summarise_log: "authenticated, service_role",
        import_model_prices: "service_role",
        look_up_registries: "service_role",
        rate_llm_usage: "service_role",
        read_llm_budgets: "authenticated, service_role",
        set_llm_budget: "service_role",
        reserve_llm_budget: "service_role",
        seal_ledger: "service_role",
        add_ledger_checkpoint: "service_role",
        add_producer_key: "service_role",
        enter_model_price: "service_role",
        find_producer_key: "service_role",
        list_producer_keys: "service_role",
        record_as_producer: "service_role",
        revoke_producer_key: "service_role",
        rotate_producer_key: "service_role",
        read_ledger_state: "service_role",
        read_ledger_checkpoints: "service_role",
        read_ledger_tiles: "service_role",
        read_ledger_entries: "service_role",
        read_unsealed_rows: "service_role",
        export_ledger: "service_role",
        export_pending_leaves: "service_role",
        read_witnessed: "service_role",
        witness_checkpoint: "service_role",
      });
    expect(rows).toHaveLength(26);
  });

  test("every function pins its search path", async () => {
    const rows = await db.query<{ name: string; settings: string[] }>(
      `select proname as name, proconfig as settings from pg_proc
        where pronamespace in ('public'::regnamespace, 'ledger'::regnamespace)
          and not coalesce($1 = any (proconfig), false) order by 1`,
      [SEARCH_PATH],
    );
    expect(rows.map(({ name }) => name)).toEqual([
      "list_log",
      ...LOGS.map((log) => `record_${log}`).sort(),
      "summarise_log",
    ]);
    for (const { settings } of rows) {
      expect(settings).toContain(OPEN_SEARCH_PATH);
    }
  });

  test("every SECURITY DEFINER function, in any schema, has the one path that ends with pg_temp", async () => {
    const rows = await db.query<{ paths: string[]; count: number }>(
      `select array(select s from unnest(proconfig) s where s like 'search_path=%') as paths, count(*)::int
        from pg_proc where prosecdef and pronamespace <> 'pg_catalog'::regnamespace group by 1`,
    );
    expect(rows).toEqual([
      { paths: [SEARCH_PATH], count: expect.any(Number) },
    ]);
    expect(rows[0].count).toBeGreaterThan(30);
  });

  test("no API function is SECURITY DEFINER", async () => {
    const rows = await db.query(
      `select oid::regprocedure::text as function from pg_proc
        where pronamespace = 'public'::regnamespace and prosecdef`,
    );
    expect(rows).toEqual([]);
  });

  describe("fn_is_chairman", () => {
    const cases: [string, Record<string, unknown> | string | null, boolean][] =
      [
        [
          "true for the role chairman",
          { app_metadata: { role: "chairman" } },
          true,
        ],
        ["false for another role", { app_metadata: { role: "member" } }, false],
        [
          "false for an upper-case role",
          { app_metadata: { role: "CHAIRMAN" } },
          false,
        ],
        ["false without a role", { app_metadata: {} }, false],
        ["false without app_metadata", { sub: crypto.randomUUID() }, false],
        ["false when app_metadata is null", { app_metadata: null }, false],
        [
          "false for a role in user_metadata, which users can write themselves",
          { user_metadata: { role: "chairman" } },
          false,
        ],
        ["false for a role beside app_metadata", { role: "chairman" }, false],
        ["false without claims", null, false],
        ["false for claims that are an empty string", "", false],
      ];
    test.each(cases)("is %s", async (_, claims, expected) => {
      const rows = await queryAs(
        db,
        "authenticated",
        claims,
        "select public.fn_is_chairman() as chairman",
      );
      expect(rows).toEqual([{ chairman: expected }]);
    });

    test("can be executed by a user", async () => {
      const [row] = await db.query(
        "select has_function_privilege('authenticated', 'public.fn_is_chairman()', 'execute') as may",
      );
      expect(row).toEqual({ may: true });
    });
  });
});
