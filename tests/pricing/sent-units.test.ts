import { beforeAll, describe, expect, test } from "vitest";
import { ENGINES, newId, useStack } from "../support/running-stack.ts";
import {
  enterPrice,
  makeEvent,
  type Members,
} from "../support/stack-prices.ts";

const MODEL = "units-model";
const EVENT = { model: MODEL, input_tokens: 1_000, output_tokens: 100 };

describe.each(ENGINES)("other_units of an event on %s", (engine) => {
  const ledger = useStack(engine);
  const post = (event: Members) =>
    ledger.post("llm-usage", makeEvent({ ...EVENT, ...event }));

  beforeAll(async () => {
    await enterPrice(ledger, {
      match_value: MODEL,
      input_usd_per_mtok: "1",
      output_usd_per_mtok: "10",
      other_usd_per_million: {
        input_audio_tokens: "32",
        web_searches: "10000",
      },
    });
  });

  test("are parts of the totals, and priced by themselves", async () => {
    const event = {
      id: newId(),
      other_units: { input_audio_tokens: 400, web_searches: 2 },
    };
    const { status, body } = await post(event);
    expect([status, body]).toMatchObject([201, {
      other_units: event.other_units,
      uncached_input_tokens: 600,
      // 600 + 12,800 + 1,000 + 20,000 millionths
      cost_usd_exact: "0.0344",
      cost_is_floor: false,
    }]);
    expect((await post(event)).body.outcome ?? "duplicate").toBe("duplicate");
    const other = { ...event, other_units: { web_searches: 3 } };
    expect(await post(other)).toMatchObject({
      status: 409,
      body: { fields: ["other_units"] },
    });
  });

  test("without a price of their own make the cost a floor", async () => {
    const { body } = await post({ other_units: { output_audio_tokens: 50 } });
    expect(body).toMatchObject({
      cost_usd_exact: "0.002",
      cost_is_floor: true,
      warnings: [{ code: "partly_unpriced" }],
    });
  });

  test.each<[string, Members, string]>([
    ["a negative count", { web_searches: -1 }, "/other_units/web_searches"],
    ["a fraction", { web_searches: 0.5 }, "/other_units/web_searches"],
    [
      "a name in another form",
      { "Web searches": 1 },
      "/other_units/Web searches",
    ],
    ["more than the input", { input_audio_tokens: 1_001 }, "/other_units"],
    ["more than the output", { output_audio_tokens: 101 }, "/other_units"],
    [
      "more units than are allowed",
      Object.fromEntries(
        Array.from({ length: 33 }, (_, n) => [`unit_${n}`, 1]),
      ),
      "/other_units",
    ],
  ])("are refused with %s", async (_, other_units, pointer) => {
    const { status, body } = await post({ other_units });
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([{ pointer }]);
  });

  test("are refused beside a usage object", async () => {
    const { body } = await ledger.post(
      "llm-usage",
      makeEvent({
        usage: { input_tokens: 1, output_tokens: 1 },
        other_units: { web_searches: 1 },
      }),
    );
    expect(body.errors).toMatchObject([
      { pointer: "/other_units", code: "not_allowed" },
    ]);
  });
});
