import { beforeAll, describe, expect, test } from "vitest";
import {
  type ApiRole,
  ENGINES,
  type Query,
  queryAs,
  useDatabase,
} from "../support/databases.ts";
import {
  SIDE_TABLE_NAMES,
  SIDE_TABLES,
  type SideTableName,
} from "../support/side-tables.ts";
import {
  addBudget,
  addDetails,
  addLlmUsage,
  addPrice,
  addRating,
  useParents,
} from "../support/log-rows.ts";

const PERMISSION_DENIED = { code: "42501" };
const FOREIGN_KEY_VIOLATION = "23503";

describe.each(ENGINES)("access to the side tables on $name", (engine) => {
  const db = useDatabase(engine.migrated);
  const parents = useParents(db, beforeAll);
  /** A call of each firm. */
  let rows: { llm1: string; llm2: string };
  /** Rows beside the logs, of the first firm and of the second. */
  let beside: Record<SideTableName, [string, string]>;
  /** A shared price, without a firm. */
  let price: string;
  beforeAll(async () => {
    const w = parents;
    rows = {
      llm1: await addLlmUsage(db.query, { firm_id: w.firm1 }),
      llm2: await addLlmUsage(db.query, { firm_id: w.firm2 }),
    };
    const { llm1, llm2 } = rows;
    const [first, second] = [{ firm_id: w.firm1 }, { firm_id: w.firm2 }];
    price = await addPrice(db.query);
    beside = {
      model_prices: [
        await addPrice(db.query, first),
        await addPrice(db.query, second),
      ],
      llm_usage_details: [
        await addDetails(db.query, { id: llm1, ...first }),
        await addDetails(db.query, { id: llm2, ...second }),
      ],
      llm_usage_ratings: [
        await addRating(db.query, { usage_id: llm1, ...first }),
        await addRating(db.query, { usage_id: llm2, ...second }),
      ],
      llm_budgets: [
        await addBudget(db.query, first),
        await addBudget(db.query, second),
      ],
    };
  });

  const chairman = {
    sub: crypto.randomUUID(),
    app_metadata: { role: "chairman" },
  };
  const see = (
    role: ApiRole,
    claims: Record<string, unknown> | null,
    table: string,
  ) =>
    queryAs<{ id: string }>(db, role, claims, `select id from public.${table}`)
      .then((found) => found.map((row) => row.id).sort());

  test.each(SIDE_TABLE_NAMES)(
    "a member sees rows of their firm and shared rows of %s",
    async (table) => {
      const common = table === "model_prices" ? [price] : [];
      for (const [index, user] of [parents.user1, parents.user2].entries()) {
        expect(await see("authenticated", { sub: user }, table))
          .toEqual([beside[table][index], ...common].sort());
      }
      for (const claims of [null, { sub: crypto.randomUUID() }, chairman]) {
        expect(await see("authenticated", claims, table)).toEqual(common);
      }
      await expect(see("anon", null, table)).rejects.toMatchObject(
        PERMISSION_DENIED,
      );
      expect(await see("service_role", null, table))
        .toEqual([...beside[table], ...common].sort());
    },
  );

  test.each(["authenticated", "service_role"] as const)(
    "%s inserts into granted side tables only",
    async (role) => {
      const first = { firm_id: parents.firm1 };
      const inserts: Record<
        SideTableName,
        (query: Query, id: string) => unknown
      > = {
        model_prices: (query) => addPrice(query, first),
        llm_usage_details: (query, id) => addDetails(query, { id, ...first }),
        llm_usage_ratings: (query, usage_id) =>
          addRating(query, { usage_id, ...first }),
        llm_budgets: (query) => addBudget(query, first),
      };
      for (const table of SIDE_TABLE_NAMES) {
        const open = SIDE_TABLES[table].grants[role].includes("INSERT");
        const attempt = db.as(role, { sub: parents.user1 }, async (query) => {
          const id = open ? await addLlmUsage(query, first) : rows.llm1;
          await inserts[table](query, id);
          // Taken back, so that other tests see what they know.
          throw new Error("inserted");
        });
        await expect(attempt, table).rejects.toMatchObject(
          open ? { message: "inserted" } : PERMISSION_DENIED,
        );
      }
    },
  );
});

describe.each(ENGINES)(
  "referential actions of the side tables on $name",
  (engine) => {
    const db = useDatabase(engine.migrated);
    const parents = useParents(db);

    /** A call of each firm with what belongs to it, its price and its budgets. */
    async function addBesideLogs() {
      for (
        const [firm_id, cma_project_id] of [
          [parents.firm1, parents.project1],
          [parents.firm2, parents.project2],
        ]
      ) {
        const id = await addLlmUsage(db.query, { firm_id, cma_project_id });
        await addDetails(db.query, { id, firm_id });
        await addRating(db.query, { usage_id: id, firm_id });
        await addRating(db.query, { usage_id: id, firm_id });
        await addPrice(db.query, { firm_id });
        await addBudget(db.query, { firm_id });
        await addBudget(db.query, { firm_id, cma_project_id });
      }
    }

    /** The rows of both firms beside the logs, by table. */
    async function besideLogs() {
      const tables: Record<string, { id: string; firm_id: string }[]> = {};
      for (const table of SIDE_TABLE_NAMES) {
        tables[table] = await db.query(
          `select * from public.${table} where firm_id = any ($1) order by id`,
          [[parents.firm1, parents.firm2]],
        );
      }
      return tables;
    }

    test("deleting a firm deletes its details, ratings, prices and budgets, and no others", async () => {
      await addBesideLogs();
      const everybodys = await addPrice(db.query);
      const before = await besideLogs();
      await db.query("delete from public.firms where id = $1", [parents.firm1]);
      const after = await besideLogs();
      for (const table of SIDE_TABLE_NAMES) {
        const kept = before[table].filter((row) =>
          row.firm_id === parents.firm2
        );
        expect(kept.length).toBeGreaterThan(0);
        expect(kept.length).toBeLessThan(before[table].length);
        expect(after[table], table).toEqual(kept);
      }
      const kept = "select id from public.model_prices where id = $1";
      expect(await db.query(kept, [everybodys])).toEqual([{ id: everybodys }]);
    });

    test("deleting a project deletes its budgets, and nulls the reference of its calls", async () => {
      await addBesideLogs();
      const before = await besideLogs();
      const [{ id }] = await db.query<{ id: string }>(
        "select id from public.llm_budgets where cma_project_id = $1",
        [parents.project1],
      );
      await db.query("delete from public.cma_projects where id = $1", [
        parents.project1,
      ]);
      expect(await besideLogs()).toEqual({
        ...before,
        llm_budgets: before.llm_budgets.filter((budget) => budget.id !== id),
      });
    });

    test("deleting a firm deletes its budgets' months and reservations", async () => {
      const budget_id = await addBudget(db.query, { firm_id: parents.firm1 });
      const values = `'${budget_id}', now(), '${parents.firm1}'`;
      await db.exec(`
      insert into ledger.budget_months (budget_id, month, firm_id, spent_usd, call_count, floor_count)
        values (${values}, 1, 1, 0);
      insert into ledger.reservations (budget_id, month, firm_id, id, amount_usd, expires_at)
        values (${values}, gen_random_uuid(), 1, now())`);
      const counted = () =>
        db.query(
          `select count(*)::int as rows from (
          select from ledger.budget_months where budget_id = $1 union all
          select from ledger.reservations where budget_id = $1) counted`,
          [budget_id],
        );
      expect(await counted()).toEqual([{ rows: 2 }]);
      await db.query("delete from public.firms where id = $1", [parents.firm1]);
      expect(await counted()).toEqual([{ rows: 0 }]);
    });

    test("a foreign key without a parent is refused", async () => {
      const nowhere = crypto.randomUUID();
      const inserts = [
        addPrice(db.query, { firm_id: nowhere }),
        addDetails(db.query, { id: nowhere, firm_id: parents.firm1 }),
        addRating(db.query, { usage_id: nowhere, firm_id: parents.firm1 }),
        addBudget(db.query, { firm_id: nowhere }),
        addBudget(db.query, {
          firm_id: parents.firm1,
          cma_project_id: nowhere,
        }),
      ];
      for (const result of await Promise.allSettled(inserts)) {
        expect(result).toMatchObject({
          status: "rejected",
          reason: { code: FOREIGN_KEY_VIOLATION },
        });
      }
    });
  },
);
