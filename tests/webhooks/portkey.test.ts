import { describe, expect, test } from "vitest";
import type { AdaptedEvent } from "../../shared/webhooks/adapter.ts";
import { adaptPortkey } from "../../shared/webhooks/portkey.ts";
import { FIRM, OTHER_FIRM, PROJECT } from "../support/running-stack.ts";
import { showRow, useReceiver } from "../support/receiving-stack.ts";
import { codesOf, deliver } from "../support/webhook-deliveries.ts";
import { createCall, SECRETS, USAGE } from "./portkey-payloads.ts";

const PATH = "webhooks/portkey";

async function adaptOne(
  payload: unknown,
  query?: string,
): Promise<AdaptedEvent> {
  const { events } = await adaptPortkey(deliver(payload, { query }));
  return events[0];
}

describe("a body of Portkey", () => {
  test("becomes one event of llm-usage", async () => {
    const { event, issues } = await adaptOne(createCall());
    expect(issues).toEqual([]);
    expect(event).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5/),
      firm_id: FIRM,
      cma_project_id: PROJECT,
      task_type: "extraction",
      model: "gpt-4o-mini-2024-07-18",
      provider: "openai",
      service_tier: "standard",
      input_tokens: 1200,
      output_tokens: 150,
      cache_read_tokens: 1024,
      reasoning_tokens: 64,
      token_convention: "inclusive",
      convention_basis: "likely",
      success: true,
    });
  });

  test.each([
    ["with the total of all", 18_615, "proved"],
    ["with a plain total", 127, "proved"],
    ["without a total", undefined, "proved"],
  ])("of Anthropic adds cached tokens, %s", async (_, total_tokens, basis) => {
    const usage = {
      prompt_tokens: 7,
      completion_tokens: 120,
      total_tokens,
      cache_read_input_tokens: 16_399,
      cache_creation_input_tokens: 2_089,
    };
    const { event } = await adaptOne(
      createCall({ provider: "anthropic" }, { usage }),
    );
    expect(event).toMatchObject({
      input_tokens: 18_495,
      cache_read_tokens: 16_399,
      cache_write_5m_tokens: 2_089,
      token_convention: "exclusive",
      convention_basis: basis,
    });
    expect(event).not.toHaveProperty("unread_members");
  });

  test("of Anthropic adds fewer cached tokens than others, too", async () => {
    const usage = {
      prompt_tokens: 20_000,
      completion_tokens: 120,
      total_tokens: 20_120,
      cache_read_input_tokens: 5_000,
      cache_creation_input_tokens: 1_000,
    };
    const { event } = await adaptOne(
      createCall({ provider: "anthropic" }, { usage }),
    );
    expect(event).toMatchObject({
      input_tokens: 26_000,
      convention_basis: "likely",
    });
  });

  test("of the Responses and the Images API has its own names", async () => {
    const usage = {
      input_tokens: 23,
      input_tokens_details: { text_tokens: 23, image_tokens: 0 },
      output_tokens: 1056,
      total_tokens: 1079,
    };
    const text = await adaptOne(
      createCall({ requestType: "createModelResponse" }, { usage }),
    );
    expect(text.event).toMatchObject({ input_tokens: 23, output_tokens: 1056 });
    expect(text.event).not.toHaveProperty("other_units");
    const image = await adaptOne(
      createCall({ requestType: "imageGenerate" }, { usage }),
    );
    expect(image.event.other_units).toEqual({ output_image_tokens: 1056 });
  });

  test("without usage has unknown counts, and with unknown members a floor", async () => {
    const none = await adaptOne(createCall({}, { usage: undefined }));
    expect(none.event).toMatchObject({
      input_tokens: 0,
      unread_members: ["usage"],
    });
    const more = await adaptOne(
      createCall({}, { usage: { ...USAGE, num_sources_used: 3 } }),
    );
    expect(more.event.unread_members).toEqual([
      "/response/json/usage/num_sources_used",
    ]);
  });

  test("has the cost of OpenRouter alone, with the provider's charge", async () => {
    const usage = {
      ...USAGE,
      cost: 0,
      is_byok: true,
      cost_details: { upstream_inference_cost: 0.0045 },
    };
    const router = { provider: "openrouter" };
    const own = await adaptOne(createCall(router, { usage }));
    expect(own.event.reported_cost_usd).toBe("0.0045");
    const other = await adaptOne(createCall({}, { usage }));
    expect(other.event).not.toHaveProperty("reported_cost_usd");
  });

  test("has the same id again, and none without an id", async () => {
    const call = createCall();
    const [one, again] = [await adaptOne(call), await adaptOne(call)];
    expect(again.event.id).toBe(one.event.id);
    const other = await adaptOne({ ...call, provider: "azure-openai" });
    expect(other.event.id).not.toBe(one.event.id);
    const embedding = await adaptOne(createCall({}, { id: undefined }));
    expect(embedding.event).not.toHaveProperty("id");
    expect(embedding.issues).toEqual([]);
  });

  test("of a check before the call is rejected, with the setting", async () => {
    const { issues } = await adaptOne(
      createCall({ response: { json: {}, text: "", statusCode: null } }),
    );
    expect(issues[0]).toMatchObject({
      pointer: "/response/statusCode",
      code: "required",
      detail: expect.stringContaining("output_guardrails"),
    });
  });

  test("of a failed call has no text of its error", async () => {
    const json = { error: { message: SECRETS[0] } };
    const { event, issues } = await adaptOne(
      createCall({ response: { json, text: "", statusCode: 429 } }),
    );
    expect(issues).toEqual([]);
    expect(event).toMatchObject({ success: false, model: "gpt-4o-mini" });
    expect(JSON.stringify(event)).not.toContain(SECRETS[0]);
  });

  test("is attributed by the URL first", async () => {
    const query = `firm_id=${OTHER_FIRM}&task_type=validation`;
    const { event } = await adaptOne(createCall(), query);
    expect(event).toMatchObject({
      firm_id: OTHER_FIRM,
      task_type: "validation",
    });
    const bare = await adaptOne(createCall({ metadata: null }));
    expect(codesOf(bare)).toEqual([
      "/metadata/firm_id required",
      "/metadata/task_type required",
    ]);
    expect(bare.issues[0].detail).toContain("metadata.firm_id");
  });

  test.each([null, 7, "text", []])(
    "that is %j is rejected",
    async (payload) => {
      const { events } = await adaptPortkey(deliver([payload]));
      expect(codesOf(events[0])).toEqual([" invalid_type"]);
    },
  );
});

describe("recording a body of Portkey", () => {
  const ledger = useReceiver("PGlite");

  test("prices it, and shows neither content nor keys", async () => {
    const good = await ledger.post(PATH, createCall());
    expect(good.status).toBe(201);
    // 176 at 0.15, 1,024 at 0.075 and 150 at 0.6 dollars per million.
    const row = await showRow(ledger, "llm-usage", good.body.id);
    expect(row).toMatchObject({
      cost_usd_exact: "0.0001932",
      cost_is_floor: false,
      latency_ms: null,
    });
    const [prompt, key] = SECRETS;
    const bad = await ledger.post(
      PATH,
      createCall(
        {
          metadata: { firm_id: key, task_type: prompt, cma_project_id: key },
          provider: key.repeat(9),
          requestType: key,
        },
        { model: prompt.repeat(20), service_tier: key, id: key },
      ),
    );
    expect(bad.status).toBe(422);
    const broken = await ledger.post(PATH, `{"${key}": ${prompt}`);
    expect(broken.status).toBe(400);
    for (const { body } of [good, bad, broken]) {
      for (const secret of SECRETS) {
        expect(JSON.stringify(body)).not.toContain(secret);
      }
    }
  });

  test("adds nothing for the same call, and a row for each without an id", async () => {
    const call = createCall();
    expect((await ledger.post(PATH, call)).status).toBe(201);
    expect((await ledger.post(PATH, call)).status).toBe(200);
    const embedding = createCall({ requestType: "embed" }, { id: undefined });
    const ids = [];
    for (let n = 0; n < 2; n++) {
      const { status, body } = await ledger.post(PATH, embedding);
      expect(status).toBe(201);
      ids.push(body.id);
    }
    expect(ids[0]).not.toBe(ids[1]);
  });
});
