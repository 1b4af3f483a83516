import { describe, expect, test } from "vitest";
import {
  ENGINES,
  FIRM,
  newId,
  NOBODY,
  OTHER_FIRM,
  OTHER_PROJECT,
  PROJECT,
} from "../support/running-stack.ts";
import { createPayload, createUsagePayload } from "./litellm-payloads.ts";
import {
  countRows,
  gzip,
  showRow,
  useReceiver,
} from "../support/receiving-stack.ts";

const PATH = "webhooks/litellm";

/** A call whose metadata and tags a caller of the proxy set. */
const createCall = (
  caller: Record<string, unknown>,
  changes: Record<string, unknown> = {},
) => createPayload({ id: newId(), metadata: caller, ...changes });

describe.each(ENGINES)("LiteLLM's payloads on %s", (engine) => {
  const ledger = useReceiver(engine);

  test("become rows of llm-usage, as an array, as NDJSON and as an object", async () => {
    const [one, two, three] = [1, 2, 3].map(() =>
      createPayload({ id: newId() })
    );
    const array = await ledger.post(PATH, [one]);
    expect(array.status).toBe(201);
    expect(array.body).toMatchObject({
      recorded: 1,
      results: [{ index: 0, id: one.id, outcome: "recorded" }],
    });
    const lines = await ledger.post(
      PATH,
      await gzip([two, one].map((call) => JSON.stringify(call)).join("\n")),
      { headers: { "content-encoding": "gzip" } },
    );
    expect(lines.status).toBe(207);
    expect(lines.body).toMatchObject({ recorded: 1, duplicate: 1 });
    const single = await ledger.post(PATH, three);
    expect(single.status).toBe(201);
    expect(single.headers.get("location")).toBe(
      `/functions/v1/llm-usage/${three.id}`,
    );
    const row = await showRow(ledger, "llm-usage", three.id as string);
    expect(single.body).toEqual({ ...row, warnings: single.body.warnings });
    expect(row).toMatchObject({
      firm_id: FIRM,
      cma_project_id: PROJECT,
      model: "gpt-4o-mini",
      provider: "openai",
      service_tier: "standard",
      task_type: "extraction",
      input_tokens: 1200,
      output_tokens: 80,
      cost_usd: "0.000152",
      cost_usd_exact: "0.00015225",
      reported_cost_usd: "0.00015225",
      cost_source: "reported",
      cache_read_tokens: 1024,
      reasoning_tokens: 30,
      latency_ms: 1250,
      success: true,
      token_convention: "inclusive",
      convention_basis: "likely",
    });
  });

  test("add nothing on a retry, and conflict when token counts differ", async () => {
    const call = createPayload({ id: newId() });
    expect((await ledger.post(PATH, [call])).status).toBe(201);
    const before = await countRows(ledger);
    expect((await ledger.post(PATH, [call])).status).toBe(200);
    expect((await ledger.post(PATH, [{ ...call, response_cost: 1 }])).status)
      .toBe(200);
    const { status, body } = await ledger.post(PATH, {
      ...call,
      completion_tokens: 81,
      total_tokens: 1281,
    });
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: "conflict", fields: ["output_tokens"] });
    expect(await countRows(ledger)).toBe(before);
  });

  test("are rejected one by one, with pointers into the payload", async () => {
    const good = createPayload({ id: newId() });
    const { status, body } = await ledger.post(PATH, [
      createPayload({ id: newId(), model: "m".repeat(257) }),
      good,
      null,
    ]);
    expect(status).toBe(207);
    expect(body).toMatchObject({ recorded: 1, rejected: 2 });
    expect(body.results[0].problem.errors).toMatchObject([
      { pointer: "/model", code: "invalid_length" },
    ]);
    await showRow(ledger, "llm-usage", good.id as string);
  });
});

describe("the cost of LiteLLM's calls", () => {
  const ledger = useReceiver("PGlite");

  /** Records a call whose cost LiteLLM does not know, and returns its row. */
  async function record(
    model: string,
    usage: Record<string, unknown>,
    changes: Record<string, unknown> = {},
  ) {
    const id = newId();
    const { body } = await ledger.post(PATH, [{
      ...createUsagePayload(usage),
      id,
      custom_llm_provider: model.split("/")[0],
      model,
      response_cost: null,
      response: {},
      ...changes,
    }]);
    const codes = (body.results[0].warnings ?? []).map(
      ({ code }: { code: string }) => code,
    );
    return { row: await showRow(ledger, "llm-usage", id), codes, body };
  }

  test("has the prices of images and audio", async () => {
    // 10 at 2, 225 at 12 and 1,120 at 120 dollars per million.
    const image = await record("gemini/gemini-3-pro-image-preview", {
      prompt_tokens: 10,
      completion_tokens: 1345,
      total_tokens: 1355,
      completion_tokens_details: {
        reasoning_tokens: 225,
        image_tokens: 1120,
        text_tokens: 0,
      },
    });
    expect(image.row).toMatchObject({
      cost_usd_exact: "0.13712",
      cost_is_floor: false,
      other_units: { output_image_tokens: 1120 },
    });
    // 17 at 2.5, 110 at 10 and 482 at 64 dollars per million.
    const audio = await record("openai/gpt-audio", {
      prompt_tokens: 17,
      completion_tokens: 592,
      completion_tokens_details: { audio_tokens: 482, text_tokens: 110 },
    });
    expect(audio.row).toMatchObject({
      cost_usd_exact: "0.0319905",
      cost_is_floor: false,
    });
  });

  test("has the price of web searches, and those without a price are a floor", async () => {
    // 1,000 at 3 and 100 at 15 dollars per million, and 2 searches at a cent.
    const usage = {
      prompt_tokens: 1000,
      completion_tokens: 100,
      server_tool_use: { web_search_requests: 2 },
    };
    const { row } = await record("anthropic/claude-sonnet-4-5", usage);
    expect(row).toMatchObject({
      cost_usd_exact: "0.0245",
      cost_is_floor: false,
      other_units: { web_searches: 2 },
    });
    const floor = await record("deepseek/deepseek-chat", usage);
    expect(floor.row).toMatchObject({ cost_is_floor: true });
  });

  test("is a floor with a member that is not read, which the warning names", async () => {
    const { row, codes, body } = await record("openai/gpt-4o-mini", {
      prompt_tokens: 1000,
      completion_tokens: 100,
      num_sources_used: 7,
    });
    const pointer = "/metadata/usage_object/num_sources_used";
    expect(row).toMatchObject({
      cost_usd_exact: "0.00021",
      cost_is_floor: true,
      unread_members: [pointer],
    });
    expect(codes).toContain("usage_unread");
    expect(JSON.stringify(body)).toContain(pointer);
  });

  test("is the provider's charge where a gateway billed nothing", async () => {
    const { row } = await record("openrouter/anthropic/claude-sonnet-4.5", {
      prompt_tokens: 1000,
      completion_tokens: 100,
      cost: 0,
      is_byok: true,
      cost_details: { upstream_inference_cost: 0.0045 },
    }, { response_cost: 0, hidden_params: { response_cost: 0 } });
    expect(row).toMatchObject({
      cost_source: "reported",
      cost_usd_exact: "0.0045",
      cost_differs: false,
    });
  });

  test("is unknown without usage, unless LiteLLM reports it", async () => {
    const none = { prompt_tokens: null, completion_tokens: null };
    const unknown = await record("openai/gpt-4o-mini", none);
    expect(unknown.row).toMatchObject({
      input_tokens: 0,
      cost_source: "unpriced",
      cost_is_floor: true,
    });
    expect(unknown.codes).toContain("usage_missing");
    const known = await record("openai/gpt-4o-mini", none, {
      response_cost: 0.04,
    });
    expect(known.row).toMatchObject({
      cost_source: "reported",
      cost_usd_exact: "0.04",
    });
  });
});

describe("attribution of LiteLLM's calls", () => {
  const ledger = useReceiver("PGlite");
  const post = (payload: unknown, query = "") =>
    ledger.post(PATH, payload, { query });

  test("a URL with an unknown task_type is refused with the permitted values", async () => {
    const { status, body } = await ledger.post(PATH, [createPayload()], {
      query: `?firm_id=${FIRM}&task_type=chat`,
    });
    expect([status, body.code]).toEqual([400, "invalid_parameter"]);
    for (
      const value of ["extraction", "classification", "validation", "fallback"]
    ) expect(body.detail).toContain(value);
  });

  test("the URL takes precedence, so that a caller cannot charge another firm", async () => {
    const call = createCall({
      spend_logs_metadata: {
        firm_id: FIRM,
        cma_project_id: PROJECT,
        task_type: "validation",
      },
    }, { request_tags: [`firm_id:${FIRM}`] });
    const { status, body } = await post(
      call,
      `?firm_id=${OTHER_FIRM}&task_type=extraction`,
    );
    expect(status).toBe(201);
    expect(body).toMatchObject({
      firm_id: OTHER_FIRM,
      cma_project_id: null,
      task_type: "extraction",
    });
    expect(body.warnings).toContainEqual({
      code: "reference_left_out",
      detail:
        "/metadata/spend_logs_metadata/cma_project_id: Refers to no row that the event can belong to; it is recorded without",
    });
  });

  test.each([OTHER_PROJECT, NOBODY, "no project", 7, {}])(
    "a call with the project %j is recorded without it",
    async (cma_project_id) => {
      const call = createCall({ requester_metadata: { cma_project_id } });
      const query = `?firm_id=${FIRM}&task_type=extraction`;
      const first = await post([call, createPayload({ id: newId() })], query);
      expect(first.status).toBe(201);
      const [left, kept] = first.body.results;
      expect(left.warnings).toContainEqual(
        expect.objectContaining({ code: "reference_left_out" }),
      );
      expect(JSON.stringify(kept.warnings ?? [])).not.toContain("left_out");
      expect(await showRow(ledger, "llm-usage", left.id)).toMatchObject({
        firm_id: FIRM,
        cma_project_id: null,
      });
      expect((await post([call], query)).body).toMatchObject({ duplicate: 1 });
    },
  );

  test("metadata and tags give the firm and the task type when the URL does not", async () => {
    const call = createCall({}, {
      request_tags: [`firm_id:${OTHER_FIRM}`, "task_type: fallback"],
    });
    const { status, body } = await post(call);
    expect(status).toBe(201);
    expect(body).toMatchObject({ firm_id: OTHER_FIRM, task_type: "fallback" });
  });

  test("a call without a firm is rejected, with the remedy", async () => {
    const { status, body } = await post(createCall({}));
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([
      { pointer: "/metadata/spend_logs_metadata/firm_id", code: "required" },
      { pointer: "/metadata/spend_logs_metadata/task_type", code: "required" },
    ]);
  });

  test.each([
    [{ firm_id: NOBODY }, "/metadata/firm_id", "not_found"],
    [{ firm_id: FIRM, task_type: "talk" }, "/metadata/task_type", "invalid"],
  ])("%j is rejected, with a pointer", async (caller, pointer, code) => {
    const { status, body } = await post(
      createCall({ task_type: "extraction", ...caller }),
    );
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([
      { pointer, code: expect.stringContaining(code) },
    ]);
  });

  test("an out-of-range cost is rejected, with a pointer", async () => {
    const { status, body } = await post(
      createPayload({ id: newId(), response_cost: 1e300 }),
    );
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([
      { pointer: "/response_cost", code: "out_of_range" },
    ]);
  });

  test("a cost with too many digits is rejected before the database call", async () => {
    const { status, body } = await post(
      createPayload({ id: newId(), response_cost: `0.${"1".repeat(20_000)}` }),
    );
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([
      { pointer: "/response_cost", code: "invalid_value" },
    ]);
  });

  test.each(["?firm_id=x", "?model=x", `?firm_id=${FIRM}&firm_id=${FIRM}`])(
    "a URL with %s is rejected",
    async (query) => {
      const { status, body } = await post(createPayload(), query);
      expect(status).toBe(400);
      expect(body.code).toBe("invalid_parameter");
    },
  );

  test("the platform's region parameter is ignored", async () => {
    const { status } = await post(
      createPayload({ id: newId() }),
      "?forceFunctionRegion=eu-central-1",
    );
    expect(status).toBe(201);
  });
});
