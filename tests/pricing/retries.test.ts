import { describe, expect, test } from "vitest";
import { ENGINES, newId, useStack } from "../support/running-stack.ts";
import {
  enterPrice,
  makeEvent,
  type Members,
} from "../support/stack-prices.ts";

describe.each(ENGINES)("retries of usage without a cost on %s", (engine) => {
  const ledger = useStack(engine);
  const post = (event: Members) => ledger.post("llm-usage", makeEvent(event));

  test("a retry after a price change is a duplicate and shows the original charge", async () => {
    const model = `priced-${newId()}`;
    const price_id = await enterPrice(ledger, {
      match_value: model,
      input_usd_per_mtok: "2",
    });
    const event = { id: newId(), model, input_tokens: 1_000, output_tokens: 0 };
    const first = await post(event);
    expect([first.status, first.body.cost_usd]).toEqual([201, "0.002000"]);
    await enterPrice(ledger, { match_value: model, input_usd_per_mtok: "3" });
    const retry = await post(event);
    expect(retry.status).toBe(200);
    expect(retry.body).toEqual(first.body);
    expect(retry.body).toMatchObject({ price_id, cost_usd_exact: "0.002" });
    const other = await post({ ...event, id: newId() });
    expect(other.body.cost_usd).toBe("0.003000");
  });

  test("a retry repeats the warning about an unknown price", async () => {
    const model = `late-${newId()}`;
    const event = { id: newId(), model, input_tokens: 1_000, output_tokens: 0 };
    await post(event);
    await enterPrice(ledger, { match_value: model, input_usd_per_mtok: "3" });
    const retry = await post(event);
    expect(retry.status).toBe(200);
    expect(retry.body).toMatchObject({
      cost_source: "unpriced",
      cost_usd: "0.000000",
      warnings: [{ code: "unpriced" }],
    });
  });

  test("a retry whose cost would now be out of range is a duplicate", async () => {
    const model = `dear-${newId()}`;
    await enterPrice(ledger, { match_value: model, input_usd_per_mtok: "1" });
    const event = {
      id: newId(),
      model,
      input_tokens: 1_000_000_000,
      output_tokens: 0,
    };
    expect((await post(event)).status).toBe(201);
    await enterPrice(ledger, { match_value: model, input_usd_per_mtok: "99" });
    expect((await post(event)).status).toBe(200);
    const other = await post({ ...event, id: newId() });
    expect(other.status).toBe(422);
    expect(other.body.errors)
      .toMatchObject([{ pointer: "/cost_usd", code: "out_of_range" }]);
  });

  test("a retry with the same Idempotency-Key is a duplicate", async () => {
    const event = makeEvent({ input_tokens: 1, output_tokens: 1 });
    const headers = { "idempotency-key": newId() };
    const first = await ledger.post("llm-usage", event, { headers });
    const retry = await ledger.post("llm-usage", event, { headers });
    expect([first.status, retry.status]).toEqual([201, 200]);
    expect(retry.body).toEqual(first.body);
  });

  test("another usage object under the same id is a conflict on usage", async () => {
    const event = {
      id: newId(),
      provider: "anthropic",
      usage: { input_tokens: 7, output_tokens: 1, service_tier: "batch" },
    };
    expect((await post(event)).status).toBe(201);
    const reordered = {
      ...event,
      usage: { service_tier: "batch", output_tokens: 1, input_tokens: 7 },
    };
    expect((await post(reordered)).status).toBe(200);
    const other = {
      ...event,
      usage: { input_tokens: 8, output_tokens: 1, service_tier: "batch" },
    };
    const conflict = await post(other);
    expect([conflict.status, conflict.body.fields]).toEqual([409, ["usage"]]);
  });

  test.each([
    ["an added service tier", "service_tier", "flex"],
    ["another provider", "provider", "openai"],
    ["another API", "api_flavor", "responses"],
    ["other cached tokens", "cache_read_tokens", 5],
    ["a reservation", "reservation_id", newId()],
    ["a reported cost", "cost_usd", "0.5"],
  ])("%s under the same id is a conflict on %s", async (_, member, value) => {
    const event = { id: newId(), input_tokens: 10, output_tokens: 10 };
    expect((await post(event)).status).toBe(201);
    const conflict = await post({ ...event, [member]: value });
    expect([conflict.status, conflict.body.fields]).toEqual([409, [member]]);
  });

  test("a retry may send the counts that usage implied", async () => {
    const id = newId();
    const usage = { input_tokens: 7, output_tokens: 1 };
    await post({ id, provider: "anthropic", usage });
    const counts = { input_tokens: 7, output_tokens: 1 };
    const retry = await post({ id, provider: "Anthropic", ...counts });
    expect(retry.status).toBe(200);
  });

  test("an event whose cost is out of range is rejected, and the rest of its batch recorded", async () => {
    const model = `large-${newId()}`;
    await enterPrice(ledger, {
      match_value: model,
      input_usd_per_mtok: "1000",
    });
    const large = { model, input_tokens: 10_000_000, output_tokens: 0 };
    const small = { model, input_tokens: 1_000, output_tokens: 0 };
    const batch = [small, large, small].map(makeEvent);
    const { status, body } = await ledger.post("llm-usage", batch);
    expect([status, body.recorded, body.rejected]).toEqual([207, 2, 1]);
    expect(body.results[1].problem.errors).toMatchObject([
      { pointer: "/cost_usd", code: "out_of_range" },
    ]);
    const atomic = await ledger.post("llm-usage", batch, {
      query: "?atomic=true",
    });
    expect([atomic.status, atomic.body.recorded]).toEqual([422, 0]);
    expect(await ledger.rows("llm_usage_log", { model })).toHaveLength(2);
  });
});
