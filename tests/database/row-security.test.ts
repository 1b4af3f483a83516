import { beforeAll, describe, expect, test } from "vitest";
import {
  type ApiRole,
  ENGINES,
  queryAs,
  type TestDatabase,
  useDatabase,
} from "../support/databases.ts";
import {
  APPEND_ONLY,
  SIDE_TABLE_NAMES,
  SIDE_TABLES,
} from "../support/side-tables.ts";
import {
  type LogName,
  LOGS,
  type Policy,
  TABLES,
} from "../support/specification.ts";
import {
  addAudit,
  addLlmUsage,
  addModelUsage,
  addToolUsage,
  useParents,
} from "../support/log-rows.ts";

const BY_FIRM = ["llm_usage_log", "audit_log"] as const;
const PERMISSION_DENIED = { code: "42501" };

describe.each(ENGINES)("row security on $name", (engine) => {
  describe("policies", () => {
    const db = useDatabase(engine.migrated);

    test.each(APPEND_ONLY)(
      "is on for %s, and its owner is exempt",
      async (log) => {
        expect(await rowSecurity(db, log)).toEqual({ on: true, forced: false });
      },
    );

    test.each(LOGS.filter((log) => TABLES[log].policies))(
      "%s has exactly the documented policies",
      async (log) => {
        expect(await policiesOf(db, log)).toEqual(TABLES[log].policies);
      },
    );

    test.each(SIDE_TABLE_NAMES)(
      "%s has one policy: members read rows of their firm",
      async (table) => {
        expect(await policiesOf(db, table)).toEqual(
          SIDE_TABLES[table].policies,
        );
      },
    );

    test.each(BY_FIRM)(
      "%s has one policy: users may read",
      async (log) => {
        const policies = await policiesOf(db, log);
        expect(policies).toMatchObject([{
          command: "SELECT",
          roles: ["authenticated"],
          check: null,
        }]);
      },
    );
  });

  describe("access", () => {
    const db = useDatabase(engine.migrated);
    const parents = useParents(db, beforeAll);
    let rows: Record<
      "llm1" | "llm2" | "audit1" | "audit2" | "tool" | "model",
      string
    >;
    beforeAll(async () => {
      const w = parents;
      rows = await db.as("service_role", null, async (query) => ({
        llm1: await addLlmUsage(query, { firm_id: w.firm1 }),
        llm2: await addLlmUsage(query, { firm_id: w.firm2 }),
        audit1: await addAudit(query, { firm_id: w.firm1, user_id: w.user1 }),
        audit2: await addAudit(query, { firm_id: w.firm2, user_id: w.user2 }),
        tool: await addToolUsage(query, { agent_id: w.agent, tool_id: w.tool }),
        model: await addModelUsage(query),
      }));
    });

    const member = () => ({ sub: parents.user1, role: "authenticated" });
    const chairman = () => ({
      sub: crypto.randomUUID(),
      app_metadata: { role: "chairman" },
    });
    const see = (
      role: ApiRole,
      claims: Record<string, unknown> | string | null,
      log: LogName,
    ) =>
      queryAs<{ id: string }>(db, role, claims, `select id from public.${log}`)
        .then((found) => found.map((row) => row.id).sort());

    test("a member sees rows of their firm only", async () => {
      expect(await see("authenticated", member(), "llm_usage_log")).toEqual([
        rows.llm1,
      ]);
      expect(await see("authenticated", member(), "audit_log")).toEqual([
        rows.audit1,
      ]);
      const other = { sub: parents.user2 };
      expect(await see("authenticated", other, "llm_usage_log")).toEqual([
        rows.llm2,
      ]);
      expect(await see("authenticated", other, "audit_log")).toEqual([
        rows.audit2,
      ]);
    });

    test("a member cannot select another firm's row by id", async () => {
      const found = await queryAs(
        db,
        "authenticated",
        member(),
        "select id from public.llm_usage_log where id = $1",
        [rows.llm2],
      );
      expect(found).toEqual([]);
    });

    test.each([
      ["a user without a users row", { sub: crypto.randomUUID() }],
      ["a token without a subject", { role: "authenticated" }],
      ["a request without claims", null],
      ["a request with empty claims", ""],
    ])("%s sees nothing that belongs to a firm", async (_, claims) => {
      expect(await see("authenticated", claims, "llm_usage_log")).toEqual([]);
      expect(await see("authenticated", claims, "audit_log")).toEqual([]);
    });

    test("a firm in the token's claims gives no access", async () => {
      const claims = {
        sub: crypto.randomUUID(),
        firm_id: parents.firm1,
        app_metadata: { firm_id: parents.firm1 },
      };
      expect(await see("authenticated", claims, "llm_usage_log")).toEqual([]);
    });

    test("only the chairman sees tool_usage_ledger", async () => {
      expect(await see("authenticated", chairman(), "tool_usage_ledger"))
        .toEqual([rows.tool]);
      expect(await see("authenticated", member(), "tool_usage_ledger")).toEqual(
        [],
      );
    });

    test("a chairman without a firm sees no firm's rows", async () => {
      expect(await see("authenticated", chairman(), "llm_usage_log")).toEqual(
        [],
      );
      expect(await see("authenticated", chairman(), "audit_log")).toEqual([]);
    });

    test("every user sees model_usage_log", async () => {
      expect(await see("authenticated", member(), "model_usage_log")).toContain(
        rows.model,
      );
    });

    test("anon sees model_usage_log and no other log", async () => {
      expect(await see("anon", null, "model_usage_log")).toContain(rows.model);
      for (const log of LOGS.filter((log) => log !== "model_usage_log")) {
        await expect(see("anon", null, log)).rejects.toMatchObject(
          PERMISSION_DENIED,
        );
      }
    });

    test("the service role sees every row of every log", async () => {
      expect(await see("service_role", null, "llm_usage_log")).toEqual(
        [rows.llm1, rows.llm2].sort(),
      );
      expect(await see("service_role", null, "audit_log")).toEqual(
        [rows.audit1, rows.audit2].sort(),
      );
      expect(await see("service_role", null, "tool_usage_ledger")).toEqual([
        rows.tool,
      ]);
      expect(await see("service_role", null, "model_usage_log")).toContain(
        rows.model,
      );
    });

    test("a member cannot insert into a log", async () => {
      await expect(
        db.as(
          "authenticated",
          member(),
          (query) => addLlmUsage(query, { firm_id: parents.firm1 }),
        ),
      ).rejects.toMatchObject(PERMISSION_DENIED);
      await expect(
        db.as(
          "authenticated",
          member(),
          (query) =>
            addAudit(query, { firm_id: parents.firm1, user_id: parents.user1 }),
        ),
      ).rejects
        .toMatchObject(PERMISSION_DENIED);
      await expect(
        db.as(
          "authenticated",
          chairman(),
          (query) =>
            addToolUsage(query, {
              agent_id: parents.agent,
              tool_id: parents.tool,
            }),
        ),
      ).rejects
        .toMatchObject(PERMISSION_DENIED);
    });

    test.each<ApiRole>(["anon", "authenticated"])(
      "%s can insert into model_usage_log",
      async (role) => {
        const id = await db.as(role, null, (query) => addModelUsage(query));
        expect(await see(role, null, "model_usage_log")).toContain(id);
      },
    );

    describe.each<ApiRole>(["anon", "authenticated", "service_role"])(
      "%s",
      (role) => {
        test.each(APPEND_ONLY)(
          "cannot update, delete or truncate %s",
          async (log) => {
            const statements = [
              `update public.${log} set id = gen_random_uuid()`,
              `delete from public.${log}`,
              `truncate public.${log}`,
            ];
            for (const statement of statements) {
              await expect(
                queryAs(db, role, chairman(), statement),
                statement,
              ).rejects.toMatchObject(PERMISSION_DENIED);
            }
          },
        );
      },
    );
  });
});

async function rowSecurity(db: TestDatabase, log: string) {
  const [row] = await db.query<{ on: boolean; forced: boolean }>(
    `select relrowsecurity as on, relforcerowsecurity as forced
      from pg_class where oid = $1::regclass`,
    [`public.${log}`],
  );
  return row;
}

/** The table's policies by name; a restrictive one, which no document has, fails the test. */
async function policiesOf(db: TestDatabase, log: string): Promise<Policy[]> {
  const rows = await db.query<Policy & { permissive: string }>(
    `select policyname as name, cmd as command, roles::text[] as roles,
        qual as using, with_check as check, permissive
      from pg_policies where schemaname = 'public' and tablename = $1
      order by policyname collate "C"`,
    [log],
  );
  return rows.map(({ permissive, ...policy }) => {
    expect(permissive).toBe("PERMISSIVE");
    return policy;
  });
}
