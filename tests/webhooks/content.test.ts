import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createDatabase } from "../../local/postgres.ts";
import { FIRM, newId, USER } from "../support/running-stack.ts";
import { chat } from "../support/otlp-exports.ts";
import { createPayload } from "./litellm-payloads.ts";
import { createCall } from "./portkey-payloads.ts";
import { AUTH_USER, createHook } from "../support/supabase-payloads.ts";
import {
  type SpawnedStack,
  startSpawnedStack,
} from "../support/spawned-stack.ts";
import {
  AUTH_SECRETS,
  countRows,
  FUNCTION_ENV,
  postSigned,
} from "../support/receiving-stack.ts";
import { exportOf, send, startTrace, toolUse } from "../support/otlp-traces.ts";

/** Content that must not be found in the database or the output. */
const MARKER = "tell-nobody-4711";
const CONTENT = JSON.stringify([{
  role: "user",
  parts: [{ type: "text", content: `Keep this: ${MARKER}` }],
}]);

/** Attributes that hold content, by the conventions and the senders of each. */
const CONTENT_ATTRIBUTES = Object.fromEntries([
  "gen_ai.input.messages",
  "gen_ai.output.messages",
  "gen_ai.system_instructions",
  "gen_ai.tool.definitions",
  "gen_ai.tool.call.arguments",
  "gen_ai.tool.call.result",
  "gen_ai.tool.description",
  "gen_ai.agent.description",
  "gen_ai.prompt",
  "gen_ai.completion",
  "gen_ai.prompt.0.content",
  "gen_ai.completion.0.content",
  "llm.input_messages.0.message.content",
  "llm.output_messages.0.message.content",
  "llm.prompts",
  "llm.invocation_parameters",
  "input.value",
  "output.value",
  "ai.prompt",
  "ai.prompt.messages",
  "ai.response.text",
  "ai.response.toolCalls",
  "ai.toolCall.args",
  "ai.toolCall.result",
  "traceloop.entity.input",
  "traceloop.entity.output",
  "langfuse.observation.input",
  "trace.metadata.note",
  "user.id",
].map((name) => [name, CONTENT]));

describe("content", () => {
  let receiver: SpawnedStack;
  let sql: postgres.Sql;

  beforeAll(async () => {
    const databaseUrl = await createDatabase({ url: inject("postgresUrl") });
    receiver = await startSpawnedStack({
      databaseUrl,
      functionEnv: FUNCTION_ENV,
    });
    sql = postgres(databaseUrl, { max: 1 });
  });
  afterAll(async () => {
    await sql?.end();
    await receiver?.end();
  });

  /** Tables of any schema in which a text is somewhere in a row. */
  async function findTables(text: string): Promise<string[]> {
    const tables = await sql<{ name: string }[]>`
      select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema')`;
    expect(tables.length).toBeGreaterThan(10);
    const found = [];
    for (const { name } of tables) {
      const [{ count }] = await sql.unsafe(
        `select count(*)::int as count from ${name} t where strpos(t::text, $1) > 0`,
        [text],
      );
      if (count > 0) found.push(name);
    }
    return found;
  }

  test("of spans is in no answer, wherever it is sent", async () => {
    const { ledger } = receiver;
    const trace = startTrace();
    const events = [{
      name: "gen_ai.content.prompt",
      timeUnixNano: "1755820800000000000",
      attributes: [{ key: "gen_ai.prompt", value: { stringValue: CONTENT } }],
    }];
    const before = await countRows(ledger);
    const good = await send(
      ledger,
      exportOf([
        trace.span(1, chat(1, 1, CONTENT_ATTRIBUTES), {
          name: `chat ${MARKER}`,
          events,
          links: events,
          traceState: MARKER,
        }),
        trace.span(2, toolUse(CONTENT_ATTRIBUTES), { events }),
        trace.span(3, CONTENT_ATTRIBUTES, { name: MARKER }),
      ], {
        scope: MARKER,
        resource: {
          ...CONTENT_ATTRIBUTES,
          "ledger.firm_id": FIRM,
          "ledger.task_type": "extraction",
        },
      }),
    );
    expect(good.body).toEqual({});
    expect(await countRows(ledger)).toBe(before + 2);
    const rejected = await send(
      ledger,
      exportOf([
        trace.span(
          4,
          chat(1, 1, { ...CONTENT_ATTRIBUTES, "ledger.firm_id": MARKER }),
        ),
        trace.span(5, toolUse({ "gen_ai.tool.name": MARKER })),
        trace.span(6, chat(1, 1, { "ledger.token_convention": MARKER })),
        trace.span(7, chat(1, 1), { traceId: MARKER }),
        trace.span(8, chat(1, 1, { "gen_ai.usage.input_tokens": MARKER })),
      ]),
    );
    expect(rejected.body.partialSuccess.rejectedSpans).toBe("5");
    const broken = await send(ledger, `{"resourceSpans": "${MARKER}`);
    expect(broken.status).toBe(400);
    for (const { body } of [rejected, broken]) {
      expect(JSON.stringify(body)).not.toContain(MARKER);
    }
  });

  test("of LiteLLM's payloads, changed rows and Auth's hooks is in no answer", async () => {
    const { ledger } = receiver;
    const litellm = await ledger.post("webhooks/litellm", [
      createPayload({
        id: newId(),
        messages: CONTENT,
        response: { choices: [{ message: { content: CONTENT } }] },
        model_parameters: { tools: CONTENT },
        proxy_server_request: CONTENT,
        end_user: MARKER,
        request_tags: [MARKER],
      }),
      createPayload({ id: newId(), status: MARKER, messages: CONTENT }),
    ]);
    expect(litellm.body).toMatchObject({ recorded: 1, rejected: 1 });
    const call = createCall({
      request: { json: { messages: CONTENT }, headers: { "api-key": MARKER } },
    }, { choices: CONTENT, usage: { prompt_tokens: 1, [MARKER]: 1 } });
    const portkey = await ledger.post("webhooks/portkey", [
      call,
      { ...call, provider: `${MARKER} `.repeat(9) },
    ]);
    expect(portkey.body).toMatchObject({ recorded: 1, rejected: 1 });
    const row = { id: newId(), firm_id: FIRM, note: CONTENT, status: 1 };
    const database = await ledger.post("webhooks/database", [{
      type: "UPDATE",
      schema: "public",
      table: "notes",
      record: { ...row, note: `${CONTENT} again` },
      old_record: row,
      user_id: USER,
    }]);
    expect(database.body).toMatchObject({ recorded: 1 });
    const user = {
      ...AUTH_USER,
      email: `${MARKER}@example.com`,
      user_metadata: { full_name: MARKER },
    };
    for (const changes of [{ user }, { user, metadata: { name: MARKER } }]) {
      const hook = createHook("after-user-created", changes);
      const { status } = await postSigned(ledger, "webhooks/auth", hook, {
        secret: AUTH_SECRETS[0].bytes,
      });
      expect(status).toBe(200);
    }
    const broken = await ledger.post("webhooks/database", `{"${MARKER}`);
    expect(broken.status).toBe(400);
    for (const { body } of [litellm, portkey, database, broken]) {
      expect(JSON.stringify(body)).not.toContain(MARKER);
    }
  });

  test("is neither in the database nor in the functions' output", async () => {
    // The search finds a recorded value.
    expect(await findTables("gpt-5-2025-08-07")).toContain(
      "public.llm_usage_log",
    );
    expect(await findTables(MARKER)).toEqual([]);
    await receiver.ledger.post("webhooks/auth", "{}", {
      headers: { "x-request-id": "in-the-access-log" },
    });
    const printed = await receiver.end();
    expect(printed).toContain("in-the-access-log");
    expect(printed).not.toContain(MARKER);
  });
});
