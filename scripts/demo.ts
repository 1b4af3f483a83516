/**
 * `npm run demo`: starts a stack in memory, sends a realistic mix of requests to the
 * four endpoints over HTTP, and shows the resulting rows.
 */
import { type Stack, startStack } from "../local/stack.ts";
import { readFlags, runCommand } from "./command-line.ts";

const USAGE = `\
Usage: npm run demo

Starts a stack in memory, sends a mix of requests to the four endpoints, and shows
their answers and the rows that they leave.

  --help  show this text`;

const FIRM = "10000000-0000-4000-8000-000000000001";
const USER = "20000000-0000-4000-8000-000000000001";
const PROJECT = "30000000-0000-4000-8000-000000000001";
const AGENT = "40000000-0000-4000-8000-000000000001";
const TOOL = "50000000-0000-4000-8000-000000000001";
const VENTURE = "60000000-0000-4000-8000-000000000001";

const call = {
  id: crypto.randomUUID(),
  firm_id: FIRM,
  cma_project_id: PROJECT,
  model: "gemini-2.0-flash",
  task_type: "extraction",
  input_tokens: 1200,
  output_tokens: 80,
  cost_usd: "0.000152",
  latency_ms: 912,
};
const use = { agent_id: AGENT, tool_id: TOOL, venture_id: VENTURE };
const report = {
  sd_id: "SD-7",
  phase: "EXEC",
  subagent_type: "reviewer",
  reported_model_name: "Claude Sonnet 4.5",
  reported_model_id: "claude-sonnet-4-5-20250929",
};
const lines = (...events: unknown[]) =>
  events.map((event) => JSON.stringify(event)).join("\n");

if (import.meta.main) await runCommand(USAGE, demo);

async function demo(args: string[]): Promise<void> {
  readFlags(args, {});
  const stack = await startStack({ port: 0, memory: true });
  await sendRequests(stack);
  await showTables(stack);
  await stack.stop();
}

async function sendRequests(stack: Stack): Promise<void> {
  const service = {
    "x-ledger-key": stack.producerKey!,
    "content-type": "application/json",
  };
  const user = {
    authorization: `Bearer ${await stack.signUserToken(USER)}`,
    "content-type": "application/json",
  };

  await post(stack, "one model call", "llm-usage", service, call);
  await post(
    stack,
    "the same call again (a retry)",
    "llm-usage",
    service,
    call,
  );
  await post(
    stack,
    "the same id, another cost (a conflict)",
    "llm-usage",
    service,
    {
      ...call,
      cost_usd: "0.5",
    },
  );
  await post(
    stack,
    "a failed call whose message holds a key",
    "llm-usage",
    service,
    {
      ...call,
      id: crypto.randomUUID(),
      success: false,
      output_tokens: 0,
      cost_usd: "0.00012",
      error_message: `401 from upstream for sk-ant-api03-${"x".repeat(95)}`,
    },
  );
  await post(
    stack,
    "three tool uses, one by an unknown agent",
    "tool-usage",
    service,
    [
      { ...use, tokens_consumed: 340, cost_usd: "0.0017", execution_ms: 1280 },
      { ...use, cost_usd: 0.005, execution_ms: 310 },
      { ...use, agent_id: crypto.randomUUID() },
    ],
  );
  await post(
    stack,
    "two reported models, as NDJSON",
    "model-usage",
    { ...service, "content-type": "application/x-ndjson" },
    lines(
      { ...report, subagent_configured_model: "claude-sonnet-4-5" },
      { ...report, subagent_configured_model: "claude-opus-4-1" },
    ),
  );
  await post(stack, "an action of a signed-in user", "audit", user, {
    action: "upload_file",
    entity_type: "uploaded_file",
    entity_id: crypto.randomUUID(),
    metadata: { file_count: 3 },
  });
  await post(stack, "an audit event with an amount (rejected)", "audit", user, {
    action: "download_cma",
    entity_type: "generated_file",
    metadata: { note: "turnover was ₹ 12,00,000" },
  });
}

async function showTables(stack: Stack): Promise<void> {
  await show(stack, "llm_usage_log", [
    "model",
    "task_type",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "success",
    "error_message",
  ]);
  await show(stack, "tool_usage_ledger", [
    "tokens_consumed",
    "cost_usd",
    "execution_ms",
  ]);
  await show(stack, "model_usage_log", [
    "subagent_type",
    "subagent_configured_model",
    "reported_model_id",
    "config_matches_reported",
  ]);
  await show(stack, "audit_log", [
    "user_id",
    "action",
    "entity_type",
    "metadata",
    "ip_address",
  ]);
}

/** Sends one request and prints its answer. */
async function post(
  stack: Stack,
  title: string,
  slug: string,
  headers: Record<string, string>,
  body: unknown,
): Promise<void> {
  const sent = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(`${stack.url}/functions/v1/${slug}`, {
    method: "POST",
    headers,
    body: sent,
  });
  const { id, recorded, duplicate, conflict, rejected, code, errors, fields } =
    await response.json();
  const outcome = recorded !== undefined
    ? `${recorded} recorded, ${duplicate} duplicate, ${conflict} conflict, ${rejected} rejected`
    : errors?.map((error: { pointer: string; detail: string }) =>
      `${error.pointer}: ${error.detail}`
    ).join("; ") ?? (fields ? `${code}: ${fields}` : `row ${id}`);
  console.log(`POST /${slug}  ${title}`);
  for (const line of sent.split("\n")) console.log(`  ${shorten(line)}`);
  console.log(`  → ${response.status} ${outcome}\n`);
}

/** A body on one line, with abbreviated ids, truncated to 240 characters. */
function shorten(text: string): string {
  const short = text.replace(/([0-9a-f]{8})-[0-9a-f-]{27}/g, "$1…");
  return short.length > 240 ? `${short.slice(0, 239)}…` : short;
}

/** Prints some columns of a table, costs as exact text. */
async function show(
  stack: Stack,
  table: string,
  columns: string[],
): Promise<void> {
  const select = columns.map((column) =>
    column === "cost_usd" ? "cost_usd::text" : column
  );
  const response = await fetch(
    `${stack.url}/rest/v1/${table}?select=${select}&order=id`,
    { headers: { apikey: stack.secretKey } },
  );
  const rows: Record<string, unknown>[] = await response.json();
  console.log(`${table}: ${rows.length} rows`);
  console.table(rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([column, value]) => [
        column,
        typeof value === "object" && value ? JSON.stringify(value) : value,
      ]),
    )
  ));
}
