import { describe, expect, test } from "vitest";
import type { LogEvent } from "../../shared/logs/log.ts";
import { adaptLitellm } from "../../shared/webhooks/litellm.ts";
import { codesOf, deliver, FIRM } from "../support/webhook-deliveries.ts";
import { createPayload, createUsagePayload } from "./litellm-payloads.ts";

async function read(payload: unknown): Promise<LogEvent> {
  const { events } = await adaptLitellm(deliver(payload));
  expect(events[0].issues).toEqual([]);
  return events[0].event;
}

const CALLER = { firm_id: FIRM, task_type: "extraction" };

/** A call whose only usage is in the response, as the provider sent it. */
const passThrough = (usage: unknown, changes = {}) =>
  createPayload({
    metadata: CALLER,
    prompt_tokens: 0,
    completion_tokens: 0,
    total_tokens: 0,
    response: { usage },
    ...changes,
  });

describe("units besides text", () => {
  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    [
      "audio in both directions",
      {
        prompt_tokens: 200,
        completion_tokens: 300,
        prompt_tokens_details: { audio_tokens: 150, text_tokens: 50 },
        completion_tokens_details: { audio_tokens: 250, text_tokens: 50 },
      },
      { input_audio_tokens: 150, output_audio_tokens: 250 },
    ],
    [
      "an image and its reasoning",
      {
        prompt_tokens: 10,
        completion_tokens: 1345,
        completion_tokens_details: {
          reasoning_tokens: 225,
          image_tokens: 1120,
          text_tokens: 0,
        },
      },
      { output_image_tokens: 1120 },
    ],
    [
      "video and images in the input",
      {
        prompt_tokens: 900,
        completion_tokens: 5,
        prompt_tokens_details: { video_tokens: 600, image_tokens: 258 },
      },
      { input_video_tokens: 600, input_image_tokens: 258 },
    ],
    [
      "web searches of a server's tool",
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        server_tool_use: { web_search_requests: 2, web_fetch_requests: 3 },
      },
      { web_searches: 2 },
    ],
    [
      "web searches in the details, given twice and differently",
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        server_tool_use: { web_search_requests: 4 },
        prompt_tokens_details: { web_search_requests: 3 },
      },
      { web_searches: 4 },
    ],
    [
      "searches of Perplexity",
      { prompt_tokens: 10, completion_tokens: 5, num_search_queries: 3 },
      { web_searches: 3 },
    ],
  ])("%s become other units", async (_, usage, other_units) => {
    const event = await read(createUsagePayload(usage));
    expect(event.other_units).toEqual(other_units);
    expect(event).toMatchObject({
      input_tokens: usage.prompt_tokens,
      output_tokens: usage.completion_tokens,
    });
    expect(event).not.toHaveProperty("unread_members");
  });

  test("cached audio is a unit, and no cached text", async () => {
    const event = await read(createUsagePayload({
      prompt_tokens: 500,
      completion_tokens: 5,
      prompt_tokens_details: {
        cached_tokens: 300,
        audio_tokens: 400,
        cached_tokens_details: { audio_tokens: 300, text_tokens: 0 },
      },
    }));
    expect(event.other_units).toEqual({
      input_audio_tokens: 100,
      cache_audio_read_tokens: 300,
    });
    expect(event).not.toHaveProperty("cache_read_tokens");
  });

  test("citations of Perplexity add to the output", async () => {
    const event = await read(createUsagePayload({
      prompt_tokens: 10,
      completion_tokens: 50,
      citation_tokens: 400,
    }));
    expect(event).toMatchObject({
      output_tokens: 450,
      other_units: { output_citation_tokens: 400 },
    });
  });

  test("the output of the Images API is images, unless it says more", async () => {
    const usage = {
      input_tokens: 23,
      input_tokens_details: { image_tokens: 0, text_tokens: 23 },
      output_tokens: 1056,
      total_tokens: 1079,
    };
    const changes = { call_type: "aimage_generation" };
    expect(await read(passThrough(usage, changes))).toMatchObject({
      input_tokens: 23,
      output_tokens: 1056,
      other_units: { output_image_tokens: 1056 },
    });
    const split = {
      ...usage,
      output_tokens_details: { image_tokens: 1000, text_tokens: 56 },
    };
    expect(await read(passThrough(split, changes))).toMatchObject({
      other_units: { output_image_tokens: 1000 },
    });
    const chat = await read(passThrough(usage));
    expect(chat).not.toHaveProperty("other_units");
  });

  test("parts that exceed their total are charged as text, and declared", async () => {
    const event = await read(createUsagePayload({
      prompt_tokens: 10,
      completion_tokens: 20,
      completion_tokens_details: { audio_tokens: 21 },
    }));
    expect(event).toMatchObject({
      output_tokens: 20,
      unread_members: [
        "/metadata/usage_object/completion_tokens_details/audio_tokens",
      ],
    });
    expect(event).not.toHaveProperty("other_units");
  });
});

describe("counts in the shape of another API", () => {
  test("of the Responses API include cached tokens", async () => {
    const usage = {
      input_tokens: 1300,
      input_tokens_details: { cached_tokens: 1024 },
      output_tokens: 170,
      output_tokens_details: { reasoning_tokens: 96 },
      total_tokens: 1470,
    };
    const expected = {
      input_tokens: 1300,
      cache_read_tokens: 1024,
      output_tokens: 170,
      reasoning_tokens: 96,
    };
    expect(await read(passThrough(usage))).toMatchObject(expected);
    const normalised = createUsagePayload({
      prompt_tokens: 1300,
      completion_tokens: 170,
      total_tokens: 1470,
      prompt_tokens_details: { cached_tokens: 1024 },
      completion_tokens_details: { reasoning_tokens: 96 },
    });
    for (const total_tokens of [1470, undefined]) {
      const response = { usage: { ...usage, total_tokens } };
      expect(await read({ ...normalised, response })).toMatchObject(expected);
    }
  });

  test("of the Messages API exclude them", async () => {
    const event = await read(passThrough({
      input_tokens: 20_000,
      cache_read_input_tokens: 5_000,
      cache_creation_input_tokens: 1_000,
      cache_creation: {
        ephemeral_5m_input_tokens: 400,
        ephemeral_1h_input_tokens: 600,
      },
      output_tokens: 120,
    }));
    expect(event).toMatchObject({
      input_tokens: 26_000,
      cache_read_tokens: 5_000,
      cache_write_5m_tokens: 400,
      cache_write_1h_tokens: 600,
      output_tokens: 120,
      token_convention: "exclusive",
    });
  });

  test("are read where the first spelling is 0", async () => {
    const event = await read(createUsagePayload({
      prompt_tokens: 5_000,
      completion_tokens: 5,
      prompt_tokens_details: { cached_tokens: 0 },
      prompt_cache_hit_tokens: 4_000,
      prompt_cache_miss_tokens: 1_000,
    }));
    expect(event).toMatchObject({
      input_tokens: 5_000,
      cache_read_tokens: 4_000,
    });
    expect(event).not.toHaveProperty("unread_members");
  });
});

describe("members without a known meaning", () => {
  test("are named where they count something", async () => {
    const event = await read(createUsagePayload({
      prompt_tokens: 10,
      completion_tokens: 5,
      num_sources_used: 7,
      code_execution_seconds: 1.5,
      zero: 0,
      text: "7",
      is_byok: true,
      prompt_tokens_details: { image_count: 2, audio_tokens: 1.5 },
      iterations: [{ input_tokens: 4 }, { input_tokens: 10 }],
    }));
    const base = "/metadata/usage_object";
    expect(event.unread_members).toEqual([
      `${base}/num_sources_used`,
      `${base}/code_execution_seconds`,
      `${base}/prompt_tokens_details/image_count`,
      `${base}/iterations`,
      `${base}/prompt_tokens_details/audio_tokens`,
    ]);
  });

  test("are no times, and no money", async () => {
    const event = await read(createUsagePayload({
      prompt_tokens: 10,
      completion_tokens: 5,
      queue_time: 0.1,
      total_time: 0.4,
      cost: 0.1,
      cost_details: { upstream_inference_prompt_cost: 0.1 },
      estimated_cost: 0.1,
      tokens_per_second: 81.2,
    }));
    expect(event).not.toHaveProperty("unread_members");
  });

  test("are an unexplained total, too", async () => {
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 40 };
    const { unread_members } = await read(createUsagePayload(usage));
    expect(unread_members).toEqual(["/total_tokens"]);
    const reasoning = { completion_tokens_details: { reasoning_tokens: 25 } };
    expect(await read(createUsagePayload({ ...usage, ...reasoning })))
      .not.toHaveProperty("unread_members");
  });

  test("have a name that may be stored, and are few", async () => {
    const usage: Record<string, unknown> = {
      prompt_tokens: 10,
      completion_tokens: 5,
      "the prompt\u0000of a customer": 1,
    };
    for (let n = 0; n < 50; n++) usage[`unit_${n}`] = 1;
    const kinds = Array(5e4).fill({ modality: "AUDIO", tokenCount: 1.5 });
    usage.prompt_tokens_details = kinds;
    const { unread_members } = await read(createUsagePayload(usage));
    expect(unread_members).toHaveLength(20);
    expect((unread_members as string[])[0]).toBe("/metadata/usage_object");
  });
});

describe("the service tier", () => {
  const tierOf = async (usage: Record<string, unknown>, response = {}) => {
    const counts = { prompt_tokens: 10, completion_tokens: 5 };
    const payload = createUsagePayload({ ...counts, ...usage });
    return (await read({ ...payload, response })).service_tier;
  };

  test.each<[string | undefined, Record<string, unknown>, unknown]>([
    ["flex", { service_tier: "flex" }, {}],
    ["fast", { speed: "fast" }, {}],
    ["us", { inference_geo: "us" }, {}],
    ["batch-us", { service_tier: "batch", inference_geo: "us" }, {}],
    ["flex", { trafficType: "ON_DEMAND_FLEX" }, {}],
    ["priority-fast", { speed: "fast" }, { service_tier: "priority" }],
    ["fast", {}, { usage: { speed: "fast" } }],
    ["standard", { service_tier: "default", inference_geo: "global" }, {}],
    [undefined, {}, {}],
  ])("is %s for %j and %j", async (expected, usage, response) => {
    expect(await tierOf(usage, response as object)).toBe(expected);
  });
});

test("a tier that is no name makes the cost a floor", async () => {
  const usage = { prompt_tokens: 10, completion_tokens: 5, speed: "a b c" };
  const event = await read({ ...createUsagePayload(usage), response: {} });
  expect(event.unread_members).toEqual(["/metadata/usage_object/speed"]);
  expect(event).not.toHaveProperty("service_tier");
});

describe("a call without counts", () => {
  const NONE = {
    prompt_tokens: null,
    completion_tokens: null,
    total_tokens: null,
    metadata: CALLER,
    response: {},
  };

  test.each([
    ["missing", NONE],
    ["0", { ...NONE, prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }],
  ])("that are %s has unknown usage and cost", async (_, counts) => {
    const event = await read(createPayload({ ...counts, response_cost: 0 }));
    expect(event).toMatchObject({
      input_tokens: 0,
      output_tokens: 0,
      unread_members: ["usage"],
    });
    expect(event).not.toHaveProperty("reported_cost_usd");
  });

  test("keeps a known cost", async () => {
    expect(await read(createPayload({ ...NONE, response_cost: 0.04 })))
      .toMatchObject({ reported_cost_usd: "0.04", unread_members: ["usage"] });
  });

  test.each([
    ["failed", { status: "failure" }],
    ["was answered from LiteLLM's cache", { cache_hit: true }],
    ["is a moderation", { call_type: "amoderation" }],
    ["asks for the state of a batch", { call_type: "aretrieve_batch" }],
  ])("is complete where it %s", async (_, changes) => {
    const event = await read(createPayload({ ...NONE, ...changes }));
    expect(event).not.toHaveProperty("unread_members");
    expect(event).toMatchObject({ input_tokens: 0, output_tokens: 0 });
  });

  test("of the input alone has the rest of the total, or is declared", async () => {
    const total = { ...NONE, completion_tokens: 80, total_tokens: 1280 };
    const known = await read(createPayload(total));
    expect(known).toMatchObject({ input_tokens: 1200, output_tokens: 80 });
    expect(known).not.toHaveProperty("unread_members");
    expect(await read(createPayload({ ...total, total_tokens: null })))
      .toMatchObject({
        input_tokens: 0,
        output_tokens: 80,
        unread_members: ["/prompt_tokens"],
      });
  });
});

describe("the cost of a call with the customer's own key", () => {
  const costOf = async (
    usage: Record<string, unknown>,
    changes: Record<string, unknown>,
  ) => {
    const counts = { prompt_tokens: 1000, completion_tokens: 100 };
    const payload = createUsagePayload({ ...counts, ...usage });
    return (await read({ ...payload, ...changes })).reported_cost_usd;
  };
  const details = { upstream_inference_cost: 0.0045 };

  test.each<[string, unknown, Record<string, unknown>, string | undefined]>([
    [
      "nothing is billed",
      0,
      { cost: 0, is_byok: true, cost_details: details },
      "0.0045",
    ],
    [
      "nothing is billed, without a mark",
      0,
      { cost: 0, cost_details: details },
      "0.0045",
    ],
    [
      "LiteLLM knows no cost",
      null,
      { cost: 0, is_byok: true, cost_details: details },
      "0.0045",
    ],
    [
      "the gateway's fee is billed",
      0.000225,
      { cost: 0.000225, is_byok: true, cost_details: details },
      "0.004725",
    ],
    [
      "LiteLLM computed the whole cost",
      0.0045,
      { cost: 0.000225, is_byok: true, cost_details: details },
      "0.0045",
    ],
    [
      "the provider's charge is unknown",
      0,
      { cost: 0, is_byok: true },
      undefined,
    ],
    [
      "the gateway states the list price",
      0,
      { cost: 0, is_byok: true, market_cost: "0.0045" },
      "0.0045",
    ],
    [
      "the gateway paid the provider itself",
      0.005,
      { cost: 0.005, is_byok: false, cost_details: details },
      "0.005",
    ],
  ])("where %s", async (_, response_cost, usage, expected) => {
    expect(await costOf(usage, { response_cost })).toBe(expected);
  });
});

test("a malformed total is an issue, not a missing one", async () => {
  const { events } = await adaptLitellm(
    deliver(createPayload({ prompt_tokens: -5 })),
  );
  expect(codesOf(events[0])).toEqual(["/prompt_tokens invalid_type"]);
});
