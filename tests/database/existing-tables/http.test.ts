import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LOGS } from "../../../shared/logs/index.ts";
import { createDocument } from "../../../scripts/openapi/create-document.ts";
import {
  type EvidenceStack,
  makeLogKeys,
  startEvidenceStack,
  trustLogs,
} from "../../support/evidence-stack.ts";
import { DocumentSchemas } from "../../support/document-schemas.ts";
import {
  exportOf,
  send,
  startTrace,
  toolUse,
} from "../../support/otlp-traces.ts";
import {
  AGENTS,
  CHAIRMAN,
  FIRMS,
  FIRST_DATABASE,
  MODEL_USAGE_ROWS,
  PROJECTS,
  SECOND_DATABASE,
  SECOND_ROWS,
  TOOL_ID,
  TOOL_USAGE_ROWS,
  USERS,
  VENTURE_ID,
} from "./existing-databases.ts";
import { createProject, type Project } from "./push.ts";

const schemas = new DocumentSchemas(await createDocument(LOGS));
const YEAR = "from=2026-01-01&to=2027-01-01";
/** Columns of a row without details that a caller may send. */
const LLM_USAGE_COLUMNS = [
  "id",
  "firm_id",
  "cma_project_id",
  "model",
  "task_type",
  "input_tokens",
  "output_tokens",
  "cost_usd",
  "created_at",
];

/** A pushed project and a stack over it, for the tests of a `describe`. */
function usePushed(script: string) {
  const running = {} as { project: Project; ledger: EvidenceStack };
  let verifierKey: string;
  beforeAll(async () => {
    running.project = await createProject(script);
    const { code, stderr } = await running.project.push();
    expect(code, stderr).toBe(0);
    const keys = await makeLogKeys();
    verifierKey = keys.verifierKey;
    running.ledger = await startEvidenceStack(
      "PostgreSQL 17",
      { LEDGER_SIGNING_KEYS: keys.signerKey },
      running.project.url,
    );
  });
  afterAll(async () => {
    await running.ledger?.stack.stop();
    await running.project?.close();
  });

  /** Reads, and checks the answer against the OpenAPI document. */
  const get = async (
    path: string,
    headers: Record<string, string | null> = {},
    operation = path.split("?")[0],
  ) => {
    const answer = await running.ledger.post(path, undefined, {
      method: "GET",
      headers: { "content-type": null, ...headers },
    });
    if (typeof answer.body === "object") {
      expect(schemas.answerFaults({
        path: `/${operation}`,
        type: answer.headers.get("content-type")!,
        ...answer,
      })).toEqual([]);
    }
    return answer;
  };
  return {
    get,
    /** Reads as a user. */
    getAs: async (user: string, path: string) =>
      get(path, {
        apikey: null,
        authorization: `Bearer ${await running.ledger.stack.signUserToken(
          user,
        )}`,
      }),
    /** Every row of a list, page by page. */
    listAll: async (path: string) => {
      const rows: Record<string, unknown>[] = [];
      for (let cursor = "";;) {
        const { status, body } = await get(
          `${path}?limit=1000${cursor && `&cursor=${cursor}`}`,
        );
        expect(status).toBe(200);
        rows.push(...body.rows);
        if (!body.has_more) return rows;
        cursor = encodeURIComponent(body.next_cursor);
      }
    },
    record: (slug: string, body: unknown) => running.ledger.post(slug, body),
    query: () => running.project.owner.query,
    ledger: () => running.ledger,
    verify: async () => {
      await running.ledger.sealAll();
      return await running.ledger.verify(trustLogs(verifierKey));
    },
  };
}

describe("the functions over the first database", () => {
  const api = usePushed(FIRST_DATABASE + TOOL_USAGE_ROWS);

  test("list, count and export existing rows", async () => {
    const [{ timed }] = await api.query()<{ timed: number }>(
      "select count(captured_at)::int as timed from model_usage_log",
    );
    expect(timed).toBeLessThan(MODEL_USAGE_ROWS);
    expect(await api.listAll("model-usage")).toHaveLength(timed);
    const { body } = await api.get(`model-usage/summary?${YEAR}`);
    expect(body.totals.count).toBe(timed);
    const csv = await api.get(`model-usage?limit=5`, { accept: "text/csv" });
    expect(csv.body.trim().split("\r\n")).toHaveLength(6);
    expect(await api.listAll("tool-usage")).toHaveLength(20);
    const tools = await api.get(`tool-usage/summary?${YEAR}`);
    expect(tools.body.totals).toMatchObject({ count: 20 });
  });

  test("record events, duplicates and conflicts", async () => {
    const event = {
      id: crypto.randomUUID(),
      agent_id: AGENTS[0],
      tool_id: TOOL_ID,
      venture_id: VENTURE_ID,
      cost_usd: "0.5",
    };
    expect((await api.record("tool-usage", event)).status).toBe(201);
    expect((await api.record("tool-usage", event)).status).toBe(200);
    expect(
      (await api.record("tool-usage", { ...event, cost_usd: "0.6" })).status,
    ).toBe(409);
    const unknown = { ...event, id: crypto.randomUUID(), tool_id: AGENTS[0] };
    expect((await api.record("tool-usage", unknown)).status).toBe(422);
  });

  test("find an existing row as a duplicate", async () => {
    const { body } = await api.get("model-usage?limit=1");
    const [row] = body.rows;
    const event = { ...row };
    const same = await api.record("model-usage", event);
    expect([same.status, same.body]).toEqual([200, expect.anything()]);
    const other = await api.record("model-usage", {
      ...event,
      reported_model_id: "other",
    });
    expect([other.status, other.body.fields]).toEqual([409, [
      "reported_model_id",
    ]]);
  });

  test("reject an ambiguous agent name, and accept its id", async () => {
    const trace = startTrace();
    const use = toolUse({
      "gen_ai.tool.name": "search",
      "gen_ai.agent.name": "planner",
    });
    const { status, body } = await send(
      api.ledger(),
      exportOf([
        trace.span(1, use),
        trace.span(2, { ...use, "ledger.agent_id": AGENTS[1] }),
      ]),
    );
    expect(status).toBe(200);
    expect(body.partialSuccess.rejectedSpans).toBe("1");
    expect(body.partialSuccess.errorMessage).toMatch(
      /name no agent of the registry, or several/,
    );
    expect(
      await api.query()(
        "select agent_id, venture_id from tool_usage_ledger where id = $1",
        [await trace.useId(2)],
      ),
    ).toEqual([{ agent_id: AGENTS[1], venture_id: null }]);
  });

  test("show tool usage to the project's chairman only", async () => {
    expect((await api.getAs(CHAIRMAN, "tool-usage")).body.rows.length)
      .toBeGreaterThan(19);
    expect((await api.getAs(USERS[0], "tool-usage")).body.rows).toEqual([]);
  });

  test("prove every row from before the push", async () => {
    const { faults, counts } = await api.verify();
    expect(faults).toEqual([]);
    expect(counts).toMatchObject({ backfilled: MODEL_USAGE_ROWS + 20 });
  });
});

describe("the functions over the second database", () => {
  const api = usePushed(SECOND_DATABASE);

  test("count existing usage as reported", async () => {
    const rows = await api.listAll("llm-usage");
    expect(rows.length).toBe(SECOND_ROWS - 3);
    expect(new Set(rows.map(({ cost_source }) => cost_source))).toEqual(
      new Set(["reported"]),
    );
    const [{ sum }] = await api.query()<{ sum: string }>(
      "select trim_scale(sum(cost_usd))::text as sum from llm_usage_log where created_at is not null",
    );
    const { body } = await api.get(
      `llm-usage/summary?${YEAR}&group_by=cost_source`,
    );
    expect(body.totals).toMatchObject({
      count: rows.length,
      priced_count: rows.length,
      unpriced_count: 0,
      reported_cost_usd: sum,
      cost_usd_exact: sum,
      is_floor: false,
    });
    expect(body.groups).toMatchObject([
      { cost_source: "reported", count: rows.length },
    ]);
    const one = await api.get(
      `llm-usage/${rows[0].id}`,
      {},
      "llm-usage/{id}",
    );
    expect(one.body).toEqual(rows[0]);
    const csv = await api.get("llm-usage?limit=2", { accept: "text/csv" });
    expect(csv.status).toBe(200);
    expect((await api.listAll("audit")).length).toBe(SECOND_ROWS);
  });

  test("record events, duplicates and conflicts", async () => {
    const event = {
      id: crypto.randomUUID(),
      firm_id: FIRMS[0],
      cma_project_id: PROJECTS[0],
      model: "gemini-2.0-flash",
      task_type: "extraction",
      input_tokens: 1,
      output_tokens: 1,
      cost_usd: "0.000124",
    };
    expect((await api.record("llm-usage", event)).status).toBe(201);
    expect((await api.record("llm-usage", event)).status).toBe(200);
    expect(
      (await api.record("llm-usage", { ...event, cost_usd: "1" })).status,
    ).toBe(409);
    const foreign = {
      ...event,
      id: crypto.randomUUID(),
      cma_project_id: PROJECTS[1],
    };
    expect((await api.record("llm-usage", foreign)).status).toBe(422);
  });

  test("find an existing row as a duplicate, and other content as a conflict", async () => {
    const { body } = await api.get("llm-usage?limit=1");
    const [row] = body.rows;
    const event = Object.fromEntries(
      LLM_USAGE_COLUMNS.map((column) => [column, row[column]]),
    );
    const same = await api.record("llm-usage", event);
    expect([same.status, same.body.outcome ?? same.body]).toEqual([
      200,
      expect.anything(),
    ]);
    const other = await api.record("llm-usage", { ...event, output_tokens: 0 });
    expect([other.status, other.body.fields]).toEqual([409, ["output_tokens"]]);
  });

  test("show a user the rows of their firm, and record their audit events", async () => {
    for (const log of ["llm-usage", "audit"]) {
      const { body } = await api.getAs(USERS[0], `${log}?limit=1000`);
      expect(body.rows.length).toBeGreaterThan(SECOND_ROWS / 3);
      expect(new Set(body.rows.map((row: { firm_id: string }) => row.firm_id)))
        .toEqual(new Set([FIRMS[0]]));
    }
    const { status } = await api.ledger().postAs(USERS[0], "audit", {
      action: "upload_file",
      entity_type: "uploaded_file",
    });
    expect(status).toBe(201);
  });

  test("record a budget beside usage without details", async () => {
    const budget = { firm_id: FIRMS[0], limit_usd: "10" };
    expect((await api.record("llm-usage/budget", budget)).status).toBe(201);
    const { status } = await api.record("llm-usage/reserve", {
      firm_id: FIRMS[0],
      amount_usd: "1",
    });
    expect(status).toBe(201);
  });

  test("prove every row from before the push", async () => {
    const { faults, counts } = await api.verify();
    expect(faults).toEqual([]);
    expect(counts).toMatchObject({ backfilled: 2 * SECOND_ROWS });
  });
});
