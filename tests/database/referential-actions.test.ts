import { describe, expect, test } from "vitest";
import { ENGINES, useDatabase } from "../support/databases.ts";
import {
  addAudit,
  addLlmUsage,
  addModelUsage,
  addToolUsage,
  useParents,
} from "../support/log-rows.ts";

const CHECK_VIOLATION = "23514";
const FOREIGN_KEY_VIOLATION = "23503";
const NOT_NULL_VIOLATION = "23502";
const NUMERIC_OUT_OF_RANGE = "22003";

describe.each(ENGINES)("rows of the logs on $name", (engine) => {
  const db = useDatabase(engine.migrated);
  const parents = useParents(db);

  /** The columns `select` of one row. */
  async function stored(log: string, id: string, select: string) {
    const rows = await db.query(
      `select ${select} from public.${log} where id = $1`,
      [id],
    );
    expect(rows).toHaveLength(1);
    return rows[0];
  }

  test.each(["0.000124", "0.000001", "9999.999999"])(
    "a cost of %s dollars is exact",
    async (cost) => {
      const id = await addLlmUsage(db.query, {
        firm_id: parents.firm1,
        cost_usd: cost,
      });
      expect(await stored("llm_usage_log", id, "cost_usd::text as cost"))
        .toEqual({ cost });
      const tool = await addToolUsage(db.query, {
        agent_id: parents.agent,
        tool_id: parents.tool,
        cost_usd: cost,
      });
      expect(
        await stored("tool_usage_ledger", tool, "cost_usd::text as cost"),
      ).toEqual({ cost });
    },
  );

  test("a cost of ten thousand dollars is out of range", async () => {
    await expect(
      addLlmUsage(db.query, { firm_id: parents.firm1, cost_usd: "10000" }),
    ).rejects.toMatchObject({ code: NUMERIC_OUT_OF_RANGE });
  });

  test.each(["extraction", "classification", "validation", "fallback"])(
    "the task type %s is accepted",
    async (task_type) => {
      const id = await addLlmUsage(db.query, {
        firm_id: parents.firm1,
        task_type,
      });
      expect(await stored("llm_usage_log", id, "task_type")).toEqual({
        task_type,
      });
    },
  );

  test.each(["", "Extraction", "summary"])(
    "the task type %j is refused",
    async (task_type) => {
      await expect(addLlmUsage(db.query, { firm_id: parents.firm1, task_type }))
        .rejects
        .toMatchObject({ code: CHECK_VIOLATION });
    },
  );

  test("a row of llm_usage_log needs a task type", async () => {
    await expect(
      addLlmUsage(db.query, { firm_id: parents.firm1, task_type: null }),
    ).rejects
      .toMatchObject({ code: NOT_NULL_VIOLATION });
  });

  test.each(["LEAD", "PLAN", "EXEC", "UNKNOWN", null])(
    "the phase %s is accepted",
    async (phase) => {
      const id = await addModelUsage(db.query, { phase });
      expect(await stored("model_usage_log", id, "phase")).toEqual({ phase });
    },
  );

  test.each(["", "lead", "VERIFY"])(
    "the phase %j is refused",
    async (phase) => {
      await expect(addModelUsage(db.query, { phase })).rejects.toMatchObject({
        code: CHECK_VIOLATION,
      });
    },
  );

  test("omitted columns take the documented defaults", async () => {
    const llm = await addLlmUsage(db.query, { firm_id: parents.firm1 });
    expect(
      await stored(
        "llm_usage_log",
        llm,
        "success, created_at is not null as stamped",
      ),
    ).toEqual({ success: true, stamped: true });
    const tool = await addToolUsage(db.query, {
      agent_id: parents.agent,
      tool_id: parents.tool,
    });
    expect(
      await stored(
        "tool_usage_ledger",
        tool,
        "tokens_consumed, cost_usd::text as cost",
      ),
    ).toEqual({ tokens_consumed: 0, cost: "0.000000" });
    const model = await addModelUsage(db.query);
    expect(
      await stored(
        "model_usage_log",
        model,
        "metadata, captured_at is not null as stamped",
      ),
    ).toEqual({ metadata: {}, stamped: true });
  });

  test("deleting a project nulls the reference and changes nothing else of the row", async () => {
    const id = await addLlmUsage(db.query, {
      firm_id: parents.firm1,
      cma_project_id: parents.project1,
      error_message: "kept",
    });
    const before = await stored("llm_usage_log", id, "*");
    await db.query("delete from public.cma_projects where id = $1", [
      parents.project1,
    ]);
    expect(await stored("llm_usage_log", id, "*")).toEqual({
      ...before,
      cma_project_id: null,
    });
  });

  test("deleting a user nulls the reference and changes nothing else of the row", async () => {
    const id = await addAudit(db.query, {
      firm_id: parents.firm1,
      user_id: parents.user1,
    });
    const before = await stored("audit_log", id, "*");
    await db.query("delete from public.users where id = $1", [parents.user1]);
    expect(await stored("audit_log", id, "*")).toEqual({
      ...before,
      user_id: null,
    });
  });

  test("deleting a firm removes its rows and no other firm's", async () => {
    await addLlmUsage(db.query, {
      firm_id: parents.firm1,
      cma_project_id: parents.project1,
    });
    await addAudit(db.query, {
      firm_id: parents.firm1,
      user_id: parents.user1,
    });
    const llm2 = await addLlmUsage(db.query, { firm_id: parents.firm2 });
    const audit2 = await addAudit(db.query, { firm_id: parents.firm2 });
    await db.query("delete from public.firms where id = $1", [parents.firm1]);
    const firms = [[parents.firm1, parents.firm2]];
    expect(
      await db.query(
        "select id from public.llm_usage_log where firm_id = any ($1)",
        firms,
      ),
    ).toEqual([{ id: llm2 }]);
    expect(
      await db.query(
        "select id from public.audit_log where firm_id = any ($1)",
        firms,
      ),
    ).toEqual([{ id: audit2 }]);
  });

  test.each(
    [
      ["agent", "agent_registry"],
      ["tool", "tool_registry"],
      ["venture", "ventures"],
    ] as const,
  )("deleting the %s of a ledger entry is refused", async (parent, table) => {
    const id = await addToolUsage(db.query, {
      agent_id: parents.agent,
      tool_id: parents.tool,
      venture_id: parents.venture,
    });
    await expect(
      db.query(`delete from public.${table} where id = $1`, [parents[parent]]),
    ).rejects.toMatchObject({ code: FOREIGN_KEY_VIOLATION });
    expect(await stored("tool_usage_ledger", id, "id")).toEqual({ id });
  });

  test("an agent without ledger entries can be deleted", async () => {
    await db.query("delete from public.agent_registry where id = $1", [
      parents.agent,
    ]);
    expect(
      await db.query("select id from public.agent_registry where id = $1", [
        parents.agent,
      ]),
    ).toEqual([]);
  });

  test("a foreign key without a parent is refused", async () => {
    const nowhere = crypto.randomUUID();
    const inserts = [
      addLlmUsage(db.query, { firm_id: nowhere }),
      addLlmUsage(db.query, {
        firm_id: parents.firm1,
        cma_project_id: nowhere,
      }),
      addAudit(db.query, { firm_id: nowhere }),
      addAudit(db.query, { firm_id: parents.firm1, user_id: nowhere }),
      addToolUsage(db.query, { agent_id: nowhere, tool_id: parents.tool }),
      addToolUsage(db.query, { agent_id: parents.agent, tool_id: nowhere }),
      addToolUsage(db.query, {
        agent_id: parents.agent,
        tool_id: parents.tool,
        venture_id: nowhere,
      }),
    ];
    for (const result of await Promise.allSettled(inserts)) {
      expect(result).toMatchObject({
        status: "rejected",
        reason: { code: FOREIGN_KEY_VIOLATION },
      });
    }
  });
});
