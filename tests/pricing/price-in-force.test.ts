import { describe, expect, test } from "vitest";
import { ENGINES } from "../support/databases.ts";
import {
  type Members,
  newModel,
  usePricedDatabase,
} from "../support/priced-database.ts";

const UNPRICED = "unpriced";

describe.each(ENGINES)("the price in force on $name", (engine) => {
  const prices = usePricedDatabase(engine);

  /** The cost of a million input tokens, or `unpriced`. */
  async function costOf(event: Members): Promise<unknown> {
    const row = await prices.recordOne({ input_tokens: 1_000_000, ...event });
    return row.cost_source === "unpriced" ? UNPRICED : row.cost_usd_exact;
  }

  /** Enters a price for input. */
  const enter = (match_value: string, usd: string, more: Members = {}) =>
    prices.enter({ match_value, input_usd_per_mtok: usd, ...more });

  const at = (model: string, created_at: string) =>
    costOf({ model, created_at });

  test("is the newest one effective at the event's own time", async () => {
    const model = newModel();
    await enter(model, "2", { effective_from: "2026-02-01T00:00:00Z" });
    await enter(model, "1", { effective_from: "2026-01-01T00:00:00Z" });
    expect(await at(model, "2025-12-31T23:59:59.999999Z")).toBe(UNPRICED);
    expect(await at(model, "2026-01-01T00:00:00Z")).toBe("1");
    expect(await at(model, "2026-01-31T23:59:59.999999Z")).toBe("1");
    expect(await at(model, "2026-02-01T00:00:00Z")).toBe("2");
  });

  test("may change several times a day", async () => {
    const model = newModel();
    await enter(model, "1");
    await enter(model, "2", { effective_from: "2026-03-05T12:30:00Z" });
    await enter(model, "3", { effective_from: "2026-03-05T14:30:00+01:00" });
    expect(await at(model, "2026-03-05T12:29:59.999999Z")).toBe("1");
    expect(await at(model, "2026-03-05T12:30:00Z")).toBe("2");
    expect(await at(model, "2026-03-05T13:29:59Z")).toBe("2");
    expect(await at(model, "2026-03-05T13:30:00Z")).toBe("3");
  });

  test("ends at effective_to, and the price that it replaced applies again", async () => {
    const model = newModel();
    await enter(model, "1");
    await enter(model, "0.5", {
      effective_from: "2026-03-01T00:00:00Z",
      effective_to: "2026-04-01T00:00:00Z",
    });
    expect(await at(model, "2026-03-31T23:59:59Z")).toBe("0.5");
    expect(await at(model, "2026-04-01T00:00:00Z")).toBe("1");
  });

  test("is the one entered last for the same match and time", async () => {
    const model = newModel();
    const wrong = await enter(model, "1");
    const call = { model, input_tokens: 1_000_000 };
    const before = await prices.recordOne(call);
    const right = await enter(model, "2");
    const after = await prices.recordOne(call);
    expect([before.price_id, before.cost_usd_exact]).toEqual([wrong, "1"]);
    expect([after.price_id, after.cost_usd_exact]).toEqual([right, "2"]);
  });

  test("is an older one after a withdrawal", async () => {
    const model = newModel();
    const start = "2026-03-01T00:00:00Z";
    await enter(model, "1", { effective_from: start });
    await enter(model, "1", { effective_from: start, effective_to: start });
    expect(await costOf({ model })).toBe(UNPRICED);
    await enter(model, "3");
    expect(await costOf({ model })).toBe("3");
  });

  test("is unknown from a row without a price on", async () => {
    const model = newModel();
    await enter(model, "1");
    await prices.enter({
      match_value: model,
      effective_from: "2026-03-01T00:00:00Z",
    });
    expect(await at(model, "2026-02-01T00:00:00Z")).toBe("1");
    expect(await at(model, "2026-03-01T00:00:00Z")).toBe(UNPRICED);
  });

  test("is the firm's own price before any other", async () => {
    const { firm1, firm2 } = prices.world;
    const model = newModel();
    await enter(model, "2", { effective_from: "2026-05-01T00:00:00Z" });
    // Older and less specific, but negotiated.
    await enter(model.slice(0, -1), "1", {
      firm_id: firm1,
      match_kind: "starts_with",
    });
    expect(await costOf({ model, firm_id: firm1 })).toBe("1");
    expect(await costOf({ model, firm_id: firm2 })).toBe("2");
  });

  test("is the operator's own price before a published one", async () => {
    const model = newModel();
    await enter(model, "1");
    await enter(model, "2", {
      published: true,
      effective_from: "2026-05-01T00:00:00Z",
    });
    expect(await costOf({ model })).toBe("1");
  });

  test("is that of the most specific match: equals, then regex, then the longest value", async () => {
    const model = `${newModel()}-turbo-large`;
    const start = model.slice(0, -"-turbo-large".length);
    await enter(start, "1", { match_kind: "starts_with" });
    expect(await costOf({ model })).toBe("1");
    await enter(`${start}-turbo`, "2", { match_kind: "starts_with" });
    await enter("large", "9", { match_kind: "ends_with" });
    await enter("turbo", "9", { match_kind: "contains" });
    expect(await costOf({ model })).toBe("2");
    await enter(`^${start}-[a-z]+`, "3", { match_kind: "regex" });
    expect(await costOf({ model })).toBe("3");
    await enter(model, "4");
    expect(await costOf({ model })).toBe("4");
    // A name with a prefix is another model's.
    expect(await costOf({ model: `a${model}` })).toBe("9");
  });

  test.each(Object.entries({
    "from its start on": (start: string) => `^${start}-x$`,
    "that leaves a character open": (start: string) => `^${start}-?-x`,
    "that repeats a character": (start: string) => `^${start}-{1,2}x`,
    "of two names, the second": (start: string) => `^another|^${start}`,
    "of two names in brackets": (start: string) => `^(another|${start})`,
    "from anywhere on": (start: string) => `${start.slice(1)}.x`,
    "that looks ahead": (start: string) => `^(?=${start})(?!.*-y)`,
    "with a class of characters": (start: string) => `^[a-z]${start.slice(1)}`,
  }))("is that of a regex %s", async (_, regexOf) => {
    const start = newModel();
    await enter(regexOf(start), "3", { match_kind: "regex" });
    expect(await costOf({ model: `${start}-x` })).toBe("3");
    expect(await costOf({ model: `other-${start}-y` })).toBe(UNPRICED);
  });

  test("ignores case and surrounding white space of a name", async () => {
    const model = newModel();
    await enter(model, "1");
    expect(await costOf({ model: ` ${model.toUpperCase()}` })).toBe("1");
  });

  test("is that of the name with a dashed date only if the name as sent is unknown", async () => {
    const model = newModel();
    await enter(model, "1", { match_kind: "starts_with" });
    expect(await costOf({ model: `${model}-20250929` })).toBe("1");
    await enter(`${model}-2025-09-29`, "2");
    expect(await costOf({ model: `${model}-2025-09-29` })).toBe("2");
    // A match of the name as sent has precedence.
    expect(await costOf({ model: `${model}-20250929` })).toBe("1");
    const dated = newModel();
    await enter(`${dated}-2025-09-29`, "3");
    expect(await costOf({ model: `${dated}-20250929` })).toBe("3");
    expect(await costOf({ model: `${dated}-20251329` })).toBe(UNPRICED);
  });

  test("applies to its own provider only", async () => {
    const model = newModel();
    await enter(model, "1");
    expect(await costOf({ model, provider: "other" })).toBe(UNPRICED);
  });

  test("is that of the implied provider if the event has none", async () => {
    const model = newModel();
    await enter(model, "1");
    expect(await costOf({ model, provider: null })).toBe(UNPRICED);
    await enter(model, "2", { provider: "maker", implies_provider: true });
    const row = await prices.recordOne({ model, provider: null });
    expect(row).toMatchObject({ provider: "maker", cost_source: "computed" });
    // A prefix of the name as sent has precedence over an exact match of the dashed name.
    await enter(`${model}-x`, "3", {
      provider: "first",
      match_kind: "starts_with",
      implies_provider: true,
    });
    await enter(`${model}-x-2025-09-29`, "4", {
      provider: "second",
      implies_provider: true,
    });
    expect(await costOf({ model: `${model}-x-20250929`, provider: null }))
      .toBe("3");
  });

  test("is not implied by a firm's negotiated price", async () => {
    const model = newModel();
    await enter(model, "1", {
      firm_id: prices.world.firm2,
      implies_provider: true,
    });
    const row = await prices.recordOne({ model, provider: null });
    expect(row).toMatchObject({ provider: null, cost_source: UNPRICED });
  });

  test("applies to its own service tier only", async () => {
    const model = newModel();
    await enter(model, "2");
    expect(await costOf({ model, service_tier: "batch" })).toBe(UNPRICED);
    await enter(model, "1", { service_tier: "batch" });
    await enter(model, "1.5", { service_tier: "flex" });
    const tiers = ["standard", "batch", "flex", "priority"];
    const costs = tiers.map((service_tier) => costOf({ model, service_tier }));
    expect(await Promise.all(costs)).toEqual(["2", "1", "1.5", UNPRICED]);
    expect(await costOf({ model })).toBe("2");
  });

  test("may apply to hours of the day, also across midnight", async () => {
    const model = newModel();
    await enter(model, "1", { daily_from: "22:00", daily_to: "04:00" });
    await enter(model, "3", { daily_from: "09:00", daily_to: "17:30" });
    await enter(model, "2");
    const time = (clock: string) => at(model, `2026-06-15T${clock}`);
    expect(await time("21:59:59.999999Z")).toBe("2");
    expect(await time("22:00:00Z")).toBe("1");
    expect(await time("00:00:00Z")).toBe("1");
    expect(await time("03:59:59.999999Z")).toBe("1");
    expect(await time("04:00:00Z")).toBe("2");
    expect(await time("17:29:59Z")).toBe("3");
    expect(await time("17:30:00Z")).toBe("2");
    // The hours are in UTC, whatever the event's offset.
    expect(await time("23:30:00+02:00")).toBe("2");
    expect(await time("01:30:00+03:00")).toBe("1");
  });

  test("for hours of the day ends when a newer price of the whole day starts", async () => {
    const model = newModel();
    await enter(model, "2");
    await enter(model, "1", { daily_from: "00:00", daily_to: "12:00" });
    await enter(model, "3", { effective_from: "2026-06-01T00:00:00Z" });
    expect(await at(model, "2026-05-31T11:00:00Z")).toBe("1");
    expect(await at(model, "2026-06-01T11:00:00Z")).toBe("3");
  });
});
