import { describe, expect, test } from "vitest";
import type { AdaptedEvent } from "../../shared/webhooks/adapter.ts";
import { adaptLitellm } from "../../shared/webhooks/litellm.ts";
import type { LogEvent } from "../../shared/logs/log.ts";
import { separateAdapterMembers } from "../../shared/ingest/prepare-events.ts";
import {
  codesOf,
  deliver,
  FIRM,
  OTHER_FIRM,
  PROJECT,
  validate,
} from "../support/webhook-deliveries.ts";
import { createPayload, createUsagePayload } from "./litellm-payloads.ts";

async function adaptOne(
  payload: unknown,
  query?: string,
): Promise<AdaptedEvent> {
  const { events } = await adaptLitellm(deliver(payload, { query }));
  expect(events).toHaveLength(1);
  return events[0];
}

/** The metadata that a caller can set, and nothing else. */
const withMetadata = (metadata: unknown, changes = {}) =>
  createPayload({ metadata, ...changes });

describe("a payload of LiteLLM", () => {
  test("becomes one event of llm-usage", async () => {
    const { event, issues } = await adaptOne(createPayload());
    expect(issues).toEqual([]);
    expect(event).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5/),
      firm_id: FIRM,
      cma_project_id: PROJECT,
      task_type: "extraction",
      model: "gpt-4o-mini",
      provider: "openai",
      service_tier: "standard",
      input_tokens: 1200,
      output_tokens: 80,
      cache_read_tokens: 1024,
      reasoning_tokens: 30,
      token_convention: "inclusive",
      convention_basis: "likely",
      reported_cost_usd: "0.00015225",
      latency_ms: 1250,
      success: true,
      created_at: "2026-10-05T08:00:01.500000Z",
    });
  });

  test("leaves out the prompt, the answer and the key", async () => {
    const text = JSON.stringify(await adaptOne(createPayload()));
    expect(text).not.toMatch(/customer|88dc28d0|temperature/);
  });

  test("keeps a UUID as its id, and derives its id from another one", async () => {
    const uuid = "0B7C9F5E-3D1A-4E2B-8F6C-7A5D4C3B2A19";
    const kept = await adaptOne(createPayload({ id: uuid }));
    expect(kept.event.id).toBe(uuid.toLowerCase());
    const one = await adaptOne(createPayload());
    const again = await adaptOne(createPayload({ response_cost: 1 }));
    const other = await adaptOne(createPayload({ id: "chatcmpl-other" }));
    expect(again.event.id).toBe(one.event.id);
    expect(other.event.id).not.toBe(one.event.id);
  });

  test.each(["", " ", "None", null, undefined, 7, {}])(
    "with the id %j is rejected",
    async (id) => {
      const adapted = await adaptOne(createPayload({ id }));
      expect(codesOf(adapted)).toEqual(["/id required"]);
      expect(adapted.event).not.toHaveProperty("id");
    },
  );

  test("names the model without LiteLLM's prefix", async () => {
    const names = [
      ["bedrock", "bedrock/us.anthropic.claude-v1", "us.anthropic.claude-v1"],
      ["openrouter", "openrouter/anthropic/claude-4", "anthropic/claude-4"],
      ["anthropic", "claude-4", "claude-4"],
      ["azure", "openai/gpt-4o", "openai/gpt-4o"],
    ];
    for (const [custom_llm_provider, model, expected] of names) {
      const { event } = await adaptOne(
        createPayload({ custom_llm_provider, model }),
      );
      expect(event).toMatchObject({
        model: expected,
        provider: custom_llm_provider,
      });
    }
  });

  test("of an MCP tool is rejected, and refers to the other log", async () => {
    const adapted = await adaptOne(
      createPayload({ call_type: "call_mcp_tool" }),
    );
    expect(codesOf(adapted)).toEqual(["/call_type not_a_model_call"]);
    expect(adapted.issues[0].detail).toContain("/tool-usage");
  });

  test("of version 1 has no usage", async () => {
    const v1 = {
      id: "chatcmpl-1",
      call_type: "acompletion",
      model: "gpt-4o",
      usage: "Usage(prompt_tokens=1)",
      startTime: "2026-10-05 08:00:00.250000",
      cost: "0.1",
    };
    const adapted = await adaptOne(v1, `firm_id=${FIRM}&task_type=extraction`);
    expect(adapted.issues).toEqual([]);
    expect(adapted.event).toMatchObject({
      input_tokens: 0,
      unread_members: ["usage"],
      created_at: "2026-10-05T08:00:00.250000Z",
    });
  });

  test.each([null, 7, "text", true, []])(
    "that is %j is rejected alone",
    async (value) => {
      const { events } = await adaptLitellm(deliver([value, createPayload()]));
      expect(events.map((event) => event.issues.length)).toEqual([1, 0]);
    },
  );
});

describe("the caller's members", () => {
  const bare = { request_tags: [] };

  test("come from spend_logs_metadata, requester_metadata, metadata and tags, in this order", async () => {
    const places = {
      spend_logs_metadata: { firm_id: "a" },
      requester_metadata: { firm_id: "b" },
      firm_id: "c",
    };
    const { spend_logs_metadata: _, ...second } = places;
    const { requester_metadata: __, ...third } = second;
    const tags = { request_tags: ["x", "firm_id: d", "firm_id:e"] };
    const expected: [unknown, string, string][] = [
      [places, "a", "/metadata/spend_logs_metadata/firm_id"],
      [second, "b", "/metadata/requester_metadata/firm_id"],
      [third, "c", "/metadata/firm_id"],
      [{}, "d", "/request_tags/1"],
    ];
    for (const [metadata, value, pointer] of expected) {
      const adapted = await adaptOne(withMetadata(metadata, tags));
      expect(adapted.event.firm_id).toBe(value);
      expect(adapted.origins.firm_id).toBe(pointer);
    }
  });

  test("come from the URL first", async () => {
    const query = `firm_id=${OTHER_FIRM}&task_type=validation`;
    const silent = await adaptOne(withMetadata({}, bare), query);
    expect(silent.issues).toEqual([]);
    expect(silent.event).toMatchObject({
      firm_id: OTHER_FIRM,
      task_type: "validation",
    });
    const outspoken = await adaptOne(createPayload(), query);
    expect(outspoken.event).toMatchObject({
      firm_id: OTHER_FIRM,
      task_type: "validation",
      cma_project_id: PROJECT,
    });
    expect(outspoken.origins).not.toHaveProperty("firm_id");
  });

  test("include the project as an optional reference", async () => {
    const adapted = await adaptLitellm(deliver(createPayload()));
    expect(adapted.optionalReferences).toEqual(["cma_project_id"]);
  });

  test("are required, with the remedy", async () => {
    const adapted = await adaptOne(withMetadata(null, bare));
    expect(codesOf(adapted)).toEqual([
      "/metadata/spend_logs_metadata/firm_id required",
      "/metadata/spend_logs_metadata/task_type required",
    ]);
    expect(adapted.issues[0].detail).toBe(
      "Is required: send it with the call as metadata.spend_logs_metadata.firm_id or as the tag firm_id:<value>, or put ?firm_id=<value> into the webhook's URL",
    );
  });

  test.each(["firm_id=nobody", "firm_id=", `firm_id=${FIRM}&firm_id=${FIRM}`])(
    "reject the whole delivery for a URL with ?%s",
    async (query) => {
      await expect(adaptLitellm(deliver(createPayload(), { query })))
        .rejects.toMatchObject({ problem: { code: "invalid_parameter" } });
    },
  );
});

describe("the cost of a LiteLLM call", () => {
  const costOf = async (changes: Record<string, unknown>) =>
    (await adaptOne(createPayload(changes))).event.reported_cost_usd;
  const free = { response_cost: 0, cost_breakdown: null };

  test.each([
    [1.5e-7, "0.00000015"],
    [2.85e-5, "0.0000285"],
    [0.00012345678901234567, "0.00012345678901234567"],
    [12, "12"],
    ["0.100000000000000000001", "0.100000000000000000001"],
  ])("of %j is %s, without exponent", async (cost, expected) => {
    expect(await costOf({ response_cost: cost })).toBe(expected);
  });

  test.each([
    ["null", { response_cost: null }],
    ["left out", { response_cost: undefined }],
    ["a number although the computation failed", {
      response_cost_failure_debug_info: { error_str: "model isn't mapped" },
    }],
    ["0 of a model without a price", {
      ...free,
      model_map_information: { model_map_key: "own", model_map_value: null },
    }],
    ["0 without any word about the model", {
      ...free,
      model_map_information: undefined,
    }],
    ["0 that stands for null", {
      ...free,
      hidden_params: { response_cost: null },
    }],
    ["0 of a failed call", { response_cost: 0, status: "failure" }],
    ["0 of a failed call with a breakdown", {
      response_cost: 0,
      status: "failure",
      cost_breakdown: { total_cost: 0 },
    }],
  ])("is unknown when it is %s", async (_, changes) => {
    expect(await costOf(changes)).toBeUndefined();
  });

  test.each([
    ["an answer from LiteLLM's own cache", {
      ...free,
      cache_hit: true,
      model_map_information: null,
    }],
    ["a model that is configured to be free", {
      response_cost: 0,
      cost_breakdown: { total_cost: 0 },
      model_map_information: { model_map_key: "own", model_map_value: null },
    }],
    ["a model with a price of zero", free],
  ])("is zero for %s", async (_, changes) => {
    expect(await costOf(changes)).toBe("0");
  });

  test("of a failed call is kept", async () => {
    expect(await costOf({ status: "failure", response_cost: 0.25 })).toBe(
      "0.25",
    );
  });

  test.each([-0.1, "1e-7", "free", true, {}])(
    "of %j is rejected, with a pointer",
    async (response_cost) => {
      const adapted = await adaptOne(createPayload({ response_cost }));
      expect(codesOf(adapted)).toEqual(["/response_cost invalid_value"]);
      expect(adapted.event).not.toHaveProperty("reported_cost_usd");
    },
  );

  test("is rejected when it exceeds the precision of a JavaScript number", async () => {
    const number = "0.1234567890123456789";
    const text = JSON.stringify(createPayload({ response_cost: 0.5 }));
    const bad = await adaptOne(
      text.replace(
        '"response_cost":0.5,"cost',
        `"response_cost":${number},"cost`,
      ),
    );
    expect(codesOf(bad)).toEqual(["/response_cost inexact_number"]);
    const fine = await adaptOne(
      text.replace('"temperature":0', `"temperature":${number}`),
    );
    expect(fine.issues).toEqual([]);
  });
});

describe("the token counts of a LiteLLM call", () => {
  test("of Anthropic include cache tokens, by lifetime", async () => {
    const { event, issues } = await adaptOne(createUsagePayload({
      prompt_tokens: 5_012,
      completion_tokens: 100,
      total_tokens: 5_112,
      cache_read_input_tokens: 4_000,
      cache_creation_input_tokens: 1_000,
      prompt_tokens_details: {
        cached_tokens: 4_000,
        cache_creation_tokens: 1_000,
        cache_creation_token_details: {
          ephemeral_5m_input_tokens: 300,
          ephemeral_1h_input_tokens: 700,
        },
      },
    }));
    expect(issues).toEqual([]);
    expect(event).toMatchObject({
      input_tokens: 5_012,
      cache_read_tokens: 4_000,
      cache_write_5m_tokens: 300,
      cache_write_1h_tokens: 700,
      token_convention: "inclusive",
      convention_basis: "likely",
    });
  });

  const COUNTS = {
    completion_tokens: 100,
    cache_read_input_tokens: 4_000,
    cache_creation_input_tokens: 1_000,
  };

  test.each([
    ["inclusive by the uncached count", "inclusive", "proved", 5_012, {
      prompt_tokens: 5_012,
      total_tokens: 5_112,
      input_tokens: 12,
    }],
    ["inclusive as LiteLLM sends them", "inclusive", "likely", 5_012, {
      prompt_tokens: 5_012,
      total_tokens: 5_112,
    }],
    ["exclusive with more cached tokens", "exclusive", "proved", 5_012, {
      prompt_tokens: 12,
      total_tokens: 112,
    }],
    [
      "exclusive by the total",
      "exclusive",
      "proved",
      14_000,
      { prompt_tokens: 9_000, total_tokens: 14_100 },
    ],
  ])(
    "include cache tokens when prompt_tokens are %s",
    async (_, token_convention, convention_basis, input_tokens, counts) => {
      const { event } = await adaptOne(
        createUsagePayload({ ...COUNTS, ...counts }),
      );
      expect(event).toMatchObject({
        input_tokens,
        token_convention,
        convention_basis,
        cache_read_tokens: 4_000,
        cache_write_5m_tokens: 1_000,
      });
      expect(event).not.toHaveProperty("cache_write_1h_tokens");
    },
  );

  test("have no convention without cache and reasoning", async () => {
    const { event } = await adaptOne(createUsagePayload({
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 15,
      prompt_tokens_details: { cached_tokens: 0 },
    }));
    expect(event).not.toHaveProperty("token_convention");
    expect(event).not.toHaveProperty("convention_basis");
    expect(event).not.toHaveProperty("cache_read_tokens");
  });

  test("include reasoning beside the output", async () => {
    const { event } = await adaptOne(createUsagePayload({
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 45,
      completion_tokens_details: { reasoning_tokens: 30 },
    }));
    expect(event).toMatchObject({ output_tokens: 35, reasoning_tokens: 30 });
  });

  test("come from the response when the metadata has none", async () => {
    const { event } = await adaptOne(createPayload({
      metadata: { firm_id: FIRM, task_type: "extraction" },
      response: {
        usage: {
          prompt_tokens_details: { cached_tokens: 5 },
          service_tier: "priority",
        },
      },
    }));
    expect(event).toMatchObject({
      cache_read_tokens: 5,
      service_tier: "priority",
    });
  });

  test.each(["12", 1.5, -1, true, 2 ** 60])(
    "of %j are rejected, with a pointer",
    async (prompt_tokens) => {
      const adapted = await adaptOne(createPayload({ prompt_tokens }));
      expect(codesOf(adapted)).toContain("/prompt_tokens invalid_type");
    },
  );
});

describe("a LiteLLM payload's time and outcome", () => {
  test.each([
    [1791187201.123456, "2026-10-05T08:00:01.123456Z"],
    [1791187201, "2026-10-05T08:00:01.000000Z"],
    ["2026-10-05T08:00:01.5", "2026-10-05T08:00:01.500000Z"],
    ["2026-10-05 08:00:01", "2026-10-05T08:00:01.000000Z"],
    ["2026-10-05T10:00:01+02:00", "2026-10-05T08:00:01.000000Z"],
    ["2026-10-05T10:00:01.0000019+0200", "2026-10-05T08:00:01.000001Z"],
  ])("an endTime of %j is %s", async (endTime, expected) => {
    const { event, issues } = await adaptOne(createPayload({ endTime }));
    expect(issues).toEqual([]);
    expect(event.created_at).toBe(expected);
  });

  test.each(["yesterday", "2026-13-01T00:00:00", -1, 1e300, true])(
    "an endTime of %j is rejected, with a pointer",
    async (endTime) => {
      const adapted = await adaptOne(createPayload({ endTime }));
      expect(codesOf(adapted)).toEqual(["/endTime invalid_value"]);
    },
  );

  test("a failure keeps its message, without secrets and within the column", async () => {
    const key = `sk-ant-api03-${"x".repeat(95)}`;
    const error_str = `${"e".repeat(16_300)} ${key} \u0000 ${"t".repeat(1e6)}`;
    const adapted = await adaptOne(
      createPayload({ status: "failure", error_str }),
    );
    expect(adapted.issues).toEqual([]);
    const message = adapted.event.error_message as string;
    expect(adapted.event.success).toBe(false);
    expect(message).toHaveLength(16_384);
    expect(message).not.toMatch(/sk-ant|\0/);
  });

  test("a failure without a message has its error class", async () => {
    const { event } = await adaptOne(createPayload({
      status: "failure",
      error_information: { error_class: "RateLimitError" },
    }));
    expect(event.error_message).toBe("RateLimitError");
  });

  test("a success has no error message, even with error_str", async () => {
    const { event } = await adaptOne(createPayload({ error_str: "retried" }));
    expect(event.success).toBe(true);
    expect(event).not.toHaveProperty("error_message");
  });

  test("an unknown status is rejected", async () => {
    const adapted = await adaptOne(createPayload({ status: "maybe" }));
    expect(codesOf(adapted)).toEqual(["/status invalid_value"]);
  });
});

describe("a LiteLLM body", () => {
  const lines = [createPayload(), createPayload({ id: "chatcmpl-2" })]
    .map((payload) => JSON.stringify(payload));

  test("is an array, NDJSON or an object, all as application/json", async () => {
    const headers = { "content-type": "application/json" };
    const bodies: [string, boolean, number][] = [
      [`[${lines.join(",")}]`, true, 2],
      [lines.join("\n"), true, 2],
      [`${lines.join("\r\n")}\n`, true, 2],
      [lines[0], false, 1],
      [JSON.stringify(createPayload(), null, 2), false, 1],
    ];
    for (const [text, batch, count] of bodies) {
      const adapted = await adaptLitellm(deliver(text, { headers }));
      expect(adapted.batch).toBe(batch);
      expect(adapted.events).toHaveLength(count);
      expect(adapted.events.flatMap((event) => event.issues)).toEqual([]);
    }
  });

  test("rejects one malformed line of NDJSON alone", async () => {
    const text = [lines[0], '{"id": "cut of', lines[1]].join("\n");
    const { events } = await adaptLitellm(deliver(text));
    expect(events.map(codesOf)).toEqual([[], [" invalid_json"], []]);
  });

  test("is rejected when it is not JSON", async () => {
    await expect(adaptLitellm(deliver("{"))).rejects.toMatchObject({
      problem: { code: "invalid_body", status: 400 },
    });
  });

  test("adds no members through prototypes", async () => {
    const hostile = JSON.stringify(createPayload()).replace(
      '"model":"gpt-4o-mini"',
      '"__proto__":{"model":"polluted","firm_id":"x"},"constructor":{"model":"x"}',
    ).replace('"model_group":"small"', '"model_group":null');
    const adapted = await adaptOne(hostile);
    expect(codesOf(adapted)).toEqual(["/model required"]);
    expect({}).not.toHaveProperty("firm_id");
  });
});

test("an event of LiteLLM is valid without the members that adapters set", async () => {
  const { event, adapterMembers } = await adaptOne(createPayload());
  const { value, columns } = separateAdapterMembers({
    value: event,
    adapterMembers,
  });
  expect(validate({ event: value as LogEvent }, "llm-usage")).toEqual([]);
  expect(columns).toEqual({
    cost_usd_exact: "0.00015225",
    token_convention: "inclusive",
    convention_basis: "likely",
  });
});
