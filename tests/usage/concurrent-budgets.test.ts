import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  test,
} from "vitest";
import {
  createMigratedDatabase,
  overPostgres,
  type TestDatabase,
} from "../support/databases.ts";
import { newId, useStack } from "../support/running-stack.ts";
import { makeEvent, type Members } from "../support/stack-prices.ts";

/** Connections of their own, so that all write at once. */
const WRITERS = 32;

describe("concurrent writers on PostgreSQL 17", () => {
  let owner: TestDatabase;
  let writers: TestDatabase[] = [];
  let firm: string;
  let project: string;

  beforeAll(async () => {
    const url = await createMigratedDatabase();
    owner = overPostgres(url);
    writers = Array.from({ length: WRITERS }, () => overPostgres(url));
    await Promise.all(writers.map((writer) => writer.query("select 1")));
  });
  afterAll(() => Promise.all([owner, ...writers].map((one) => one?.close())));
  beforeEach(async () => {
    firm = newId();
    project = newId();
    await owner.query("insert into firms (id, name) values ($1, 'F')", [firm]);
    await owner.query(
      "insert into cma_projects (id, firm_id, name) values ($1, $2, 'P')",
      [project, firm],
    );
  });

  /** The one value of a statement that a service runs. */
  const call = <Value>(
    database: TestDatabase,
    sql: string,
    parameters: unknown[],
  ) =>
    database.as("service_role", null, async (query) => {
      const [row] = await query(sql, parameters);
      return Object.values(row)[0] as Value;
    });
  const record = (database: TestDatabase, events: Members[]) =>
    call<{ outcome: string; warnings?: string[] }[]>(
      database,
      "select public.record_llm_usage_log($1::text::jsonb)",
      [JSON.stringify(events)],
    );
  const spend = (cost_usd: string, more: Members = {}) =>
    makeEvent({
      id: newId(),
      firm_id: firm,
      input_tokens: 1,
      output_tokens: 1,
      cost_usd,
      created_at: new Date().toISOString(),
      ...more,
    });
  const setBudget = (limit: number, scope: string | null = null) =>
    call(
      owner,
      "select public.set_llm_budget($1, $2, $3::text::numeric, '{50}', 'UTC')",
      [firm, scope, String(limit)],
    );
  const reserve = (database: TestDatabase, id = newId(), amount = "1") =>
    call<{ outcome: string }>(
      database,
      "select public.reserve_llm_budget($1, $2, null, $3::text::numeric, 600)",
      [id, firm, amount],
    );
  const readBudgets = () =>
    call<Members[]>(owner, "select public.read_llm_budgets($1)", [firm]);
  /** The sum of the rows. */
  const sumRows = async () => {
    const [row] = await owner.query(
      `select trim_scale(sum(cost_usd))::text as spent_usd, count(*)::int as call_count
       from llm_usage_log where firm_id = $1`,
      [firm],
    );
    return row;
  };

  test("cross each threshold once, and lose no call", async () => {
    await setBudget(64);
    await setBudget(40, project);
    const results = await Promise.all(writers.map(async (writer, index) => {
      const batches = [];
      for (let round = 0; round < 4; round++) {
        const batch = [
          spend("0.25"),
          spend("0.25", { cma_project_id: project }),
        ];
        if (index % 2) batch.reverse();
        batches.push(await record(writer, batch));
      }
      return batches.flat();
    }));
    const warned = results.flat().filter(({ warnings }) => warnings);
    expect(results.flat().every(({ outcome }) => outcome === "recorded"))
      .toBe(true);
    // One for the firm's half, one for the project's.
    expect(warned.length).toBeGreaterThan(0);
    expect(warned.length).toBeLessThanOrEqual(2);
    const audited = await owner.query(
      "select entity_id from audit_log where firm_id = $1",
      [firm],
    );
    const budgets = await readBudgets();
    expect(audited.map(({ entity_id }) => entity_id).sort())
      .toEqual(budgets.map(({ id }) => id).sort());
    expect(budgets).toMatchObject([
      { spent_usd: "64", call_count: 256, crossed: [50] },
      { spent_usd: "32", call_count: 128, crossed: [50] },
    ]);
  });

  test.each([1, 2, 3, 4])(
    "count each call once when a budget is set concurrently (%i)",
    async () => {
      let isSet = false;
      const writing = Promise.all(
        writers.slice(0, 16).map(async (writer) => {
          // Some before, some meanwhile, and one after.
          for (let after = 0; after < 1;) {
            if (isSet) after++;
            await record(writer, [spend("0.01"), spend("0.000001")]);
          }
        }),
      );
      await record(owner, [spend("0.5")]);
      await setBudget(1_000);
      isSet = true;
      await writing;
      const rows = await sumRows();
      expect(rows.call_count).toBeGreaterThanOrEqual(33);
      expect(await readBudgets()).toMatchObject([rows]);
    },
  );

  test("reserve the whole limit and no more", async () => {
    await setBudget(10);
    const results = await Promise.all(writers.map((writer) => reserve(writer)));
    const outcomes = results.map(({ outcome }) => outcome).sort();
    expect(outcomes.filter((outcome) => outcome === "reserved"))
      .toHaveLength(10);
    expect(new Set(outcomes)).toEqual(new Set(["exceeded", "reserved"]));
    expect(await readBudgets())
      .toMatchObject([{ reserved_usd: "10", left_usd: "0" }]);
  });

  test("make one reservation from identical requests", async () => {
    await setBudget(10);
    const id = newId();
    const results = await Promise.all(
      writers.map((writer) => reserve(writer, id, "3")),
    );
    const outcomes = results.map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === "reserved"))
      .toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "duplicate"))
      .toHaveLength(WRITERS - 1);
    expect(await readBudgets()).toMatchObject([{ reserved_usd: "3" }]);
  });

  test("reserve no more than the limit while the budget is replaced", async () => {
    await setBudget(10);
    const reserving = Promise.all(writers.map((writer) => reserve(writer)));
    await setBudget(10);
    await setBudget(10);
    const reserved = (await reserving)
      .filter(({ outcome }) => outcome === "reserved");
    expect(reserved).toHaveLength(10);
    expect(await readBudgets()).toMatchObject([{ reserved_usd: "10" }]);
  });

  test("that reserve before they spend stay within the limit", async () => {
    await setBudget(10);
    await Promise.all(writers.map(async (writer) => {
      for (let round = 0; round < 3; round++) {
        const reservation_id = newId();
        const { outcome } = await reserve(writer, reservation_id);
        if (outcome !== "reserved") continue;
        const [{ warnings = [] }] = await record(writer, [
          spend("1", { reservation_id }),
        ]);
        expect(warnings).not.toContain("reservation_not_open");
      }
    }));
    expect(await readBudgets()).toMatchObject([
      { spent_usd: "10", reserved_usd: "0", call_count: 10 },
    ]);
  });
});

describe("concurrent requests on PostgreSQL 17", () => {
  const ledger = useStack("PostgreSQL 17");
  const firm_id = newId();

  beforeAll(async () => {
    await ledger.admin().from("firms").insert({ id: firm_id, name: "Firm" });
    await ledger.post("llm-usage/budget", {
      firm_id,
      limit_usd: "10",
      thresholds: [50],
    });
  });

  test("reserve the whole limit, and cross a threshold once", async () => {
    const many = <Value>(one: () => Promise<Value>) =>
      Promise.all(Array.from({ length: WRITERS }, one));
    const reserved = await many(() =>
      ledger.post("llm-usage/reserve", { firm_id, amount_usd: "1" })
    );
    const statuses = reserved.map(({ status }) => status).sort();
    expect(statuses).toEqual([
      ...Array(10).fill(201),
      ...Array(WRITERS - 10).fill(402),
    ]);
    const event = makeEvent({
      firm_id,
      input_tokens: 1,
      output_tokens: 1,
      cost_usd: "0.25",
      created_at: undefined,
    });
    const recorded = await many(() => ledger.post("llm-usage", event));
    expect(recorded.every(({ status }) => status === 201)).toBe(true);
    expect(recorded.filter(({ body }) => body.warnings)).toHaveLength(1);
    expect(await ledger.rows("audit_log", { firm_id })).toHaveLength(1);
  });
});
