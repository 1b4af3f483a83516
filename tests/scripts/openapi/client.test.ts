import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LOGS } from "../../../shared/logs/index.ts";
import type { Log } from "../../../shared/logs/log.ts";
import { useStack } from "../../support/running-stack.ts";

const PROJECT = new URL("../../../", import.meta.url).pathname;

/** A program that records, lists and summarises one log. */
function useLog({ slug, example, timeColumn }: Log): string {
  const path = JSON.stringify(`/${slug}`);
  const event = JSON.stringify(example);
  const wrong = (change: unknown) =>
    JSON.stringify(Object.assign({}, example, change));
  const day = String(example[timeColumn]).slice(0, 10);
  return `{
    const one = await client.POST(${path}, { body: ${event} });
    if (one.data === undefined || !("id" in one.data)) throw one;
    const id: string = one.data.id;
    const again = await client.POST(${path}, {
      body: { events: [${event}] },
      params: { query: { atomic: "true" }, header: { "Idempotency-Key": "k" } },
    });
    if (again.data === undefined || !("results" in again.data)) throw again;
    const duplicate: number = again.data.duplicate;
    const list = await client.GET(${path}, {
      params: { query: { from: "${day}", limit: 10, order: "asc" } },
    });
    if (!list.data) throw list;
    const time: string = list.data.rows[0].${timeColumn};
    const fetched = await client.GET("/${slug}/{id}", { params: { path: { id } } });
    const csv = await client.GET(${path}, {
      headers: { accept: "text/csv" },
      parseAs: "text",
    });
    const summary = await client.GET("/${slug}/summary", {
      params: { query: { from: "${day}", to: "2026-02-01", group_by: ["month"] } },
    });
    if (!summary.data) throw summary;
    const month: string | undefined = summary.data.groups[0].month;
    const refused = await client.GET(${path}, {
      params: { query: { limit: 1001 } },
    });
    const code: string | undefined = refused.error?.code;
    const same = fetched.data?.id === id && String(csv.data).includes(id);
    const count: number = summary.data.totals.count;
    results.push([${path}, id, duplicate, time, same, count, month, code]);
    // @ts-expect-error: an id is a string
    const _a = () => client.POST(${path}, { body: ${wrong({ id: 1 })} });
    // @ts-expect-error: columns that are required are missing
    const _b = () => client.POST(${path}, { body: {} });
    // @ts-expect-error: no such parameter
    const _c = () => client.GET(${path}, { params: { query: { colour: 1 } } });
    // @ts-expect-error: a summary needs a time range
    const _d = () => client.GET("/${slug}/summary", { params: { query: {} } });
    // @ts-expect-error: rows have no such column
    const _e = () => list.data.rows[0].colour;
    // @ts-expect-error: there is no such code
    const _f = () => refused.error?.code === "other";
  }`;
}

/** A program that sets a budget, reserves, settles, reads and rates. */
function useBudgets({ example }: Log): string {
  const firm = JSON.stringify(example.firm_id);
  const { cost_usd: _, created_at: _time, ...call } = example;
  return `{
    const firm_id = ${firm};
    const set = await client.POST("/llm-usage/budget", {
      body: { firm_id, limit_usd: "0.5", thresholds: [50] },
    });
    if (!set.data) throw set;
    const limit: string = set.data.limit_usd;
    const held = await client.POST("/llm-usage/reserve", {
      body: { firm_id, amount_usd: 0.4 },
    });
    if (!held.data) throw held;
    const reservation_id: string = held.data.reservation_id;
    const much = await client.POST("/llm-usage/reserve", {
      body: { firm_id, amount_usd: "0.2" },
    });
    const code: string | undefined = much.error?.code;
    const event = await client.POST("/llm-usage", {
      body: { ...${
    JSON.stringify(call)
  } as const, id: crypto.randomUUID(), cost_usd: "0.3", reservation_id },
    });
    if (event.data === undefined || !("id" in event.data)) throw event;
    const warned: string[] | undefined = event.data.warnings?.map((one) => one.code);
    const shown = await client.GET("/llm-usage/budget", {
      params: { query: { firm_id } },
    });
    const left: string | undefined = shown.data?.budgets[0].left_usd;
    const rated = await client.POST("/llm-usage/ratings", {
      params: { query: { from: "2026-01-01", to: "2026-02-01" } },
      body: { reason: "a test", dry_run: true },
    });
    const changed: number | undefined = rated.data?.changed;
    results.push([limit, code, warned, left, changed]);
    // @ts-expect-error: a budget needs a limit
    const _a = () => client.POST("/llm-usage/budget", { body: { firm_id } });
    // @ts-expect-error: a rating needs a reason and a time range
    const _b = () => client.POST("/llm-usage/ratings", { body: {} });
  }`;
}

const PROGRAM = `
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.ts";

const [baseUrl, apikey] = Deno.args;
type Media = "application/json" | "application/problem+json";
const client = createClient<paths, Media>({ baseUrl, headers: { apikey } });
const results: unknown[] = [];
${LOGS.map(useLog).join("\n")}
${useBudgets(LOGS.find(({ slug }) => slug === "llm-usage")!)}
const money: string = null! as components["schemas"]["LlmUsageRow"]["cost_usd"];
void money;
console.log(JSON.stringify(results));
`;

describe("a client that is generated from openapi.json", () => {
  const ledger = useStack("PGlite");
  let folder: string;

  const deno = async (...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args,
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder();
    return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
  };

  beforeAll(async () => {
    folder = await Deno.makeTempDir();
    await Deno.copyFile(`${PROJECT}package.json`, `${folder}/package.json`);
    await Deno.symlink(`${PROJECT}node_modules`, `${folder}/node_modules`);
    await Deno.writeTextFile(`${folder}/program.ts`, PROGRAM);
  });
  afterAll(() => Deno.remove(folder, { recursive: true }));

  test(
    "passes the type check, and records, lists, summarises and keeps a budget",
    { timeout: 120_000 },
    async () => {
      const generated = await deno(
        ...["run", "-A", "npm:openapi-typescript"],
        ...[`${PROJECT}docs/openapi.json`, "-o", "schema.ts"],
      );
      expect(generated.code, generated.stderr).toBe(0);
      const checked = await deno("check", "-q", "program.ts");
      expect(checked.stderr).toBe("");
      const { stdout, stderr } = await deno(
        ...["run", "-A", "program.ts"],
        ...[`${ledger.stack.url}/functions/v1`, ledger.stack.secretKey],
      );
      expect(stderr).toBe("");
      const results = JSON.parse(stdout);
      expect(results.pop()).toEqual([
        "0.5",
        "budget_exceeded",
        ["budget_threshold_crossed"],
        "0.2",
        0,
      ]);
      expect(results).toEqual(LOGS.map(({ slug, example, timeColumn }) => [
        `/${slug}`,
        example.id,
        1,
        example[timeColumn],
        true,
        1,
        "2026-01-01T00:00:00+00:00",
        "invalid_parameter",
      ]));
    },
  );
});
