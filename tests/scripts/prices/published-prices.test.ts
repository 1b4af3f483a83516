import {
  calcPrice,
  findProvider,
  type MatchLogic,
  type Provider,
  waitForUpdate,
} from "@pydantic/genai-prices";
import { describe, expect, test } from "vitest";
import { writePrices } from "../../../scripts/prices.ts";
import type { PriceRow } from "../../../scripts/prices/price-row.ts";
import {
  readPublishedPrices,
  toPriceRows,
} from "../../../scripts/prices/published-prices.ts";
import { choosePrices, costOf, type Units } from "./choose-price.ts";

const providers = (await waitForUpdate())!;
const { rows, source } = await readPublishedPrices();
const rowsOf = Map.groupBy(rows, (row) => row.provider);

/** Suffixes and prefixes of known names. */
const ENDINGS = [
  ["-20250929", "-2025-09-29", "@20250929", "-latest", "-preview"],
  ["-preview-09-2025-tts", "-mini", "-001", ":free", "-v1:0", "-thinking"],
].flat();
const BEGINNINGS = ["us.", "us.anthropic.", "openai/", "models/"];

/** Before and after every change of a price, in and outside of peak hours. */
const TIMES = [
  ["2025-01-15T00:15:00Z", "2026-03-13T00:00:00Z", "2026-08-17T00:00:00Z"],
  ["2026-11-20T02:00:00Z", "2026-11-20T04:00:00Z", "2026-11-20T12:00:00Z"],
  ["2027-02-01T17:00:00Z"],
].flat();

/** Uses everything that is priced, in a small context and in a large one. */
const CALLS: Units[] = [20_000, 900_000].map((uncached) => ({
  // Disjoint; the test adds them up for genai-prices.
  input_tokens: uncached,
  cache_read_tokens: 5_003,
  cache_write_tokens: 701,
  cache_write_1h_tokens: 307,
  input_audio_tokens: 1_009,
  cache_audio_read_tokens: 211,
  input_image_tokens: 1_103,
  cache_image_read_tokens: 223,
  output_tokens: 2_003,
  output_reasoning_tokens: 401,
  output_audio_tokens: 503,
  output_image_tokens: 601,
  output_citation_tokens: 101,
  web_searches: 3,
  storage_searches: 2,
  input_document_pages: 7,
  input_annotated_document_pages: 5,
  input_text_messages: 4,
}));

describe("the rows price a name as genai-prices does", () => {
  test.each(providers.map((provider) => [provider.id, provider] as const))(
    "of %s",
    (id, provider) => {
      const different: unknown[] = [];
      for (const [name, time] of questionsOf(provider)) {
        const found = choosePrices(rowsOf.get(id)!, name, time);
        for (const call of CALLS) {
          const theirs = priceOf(provider, name, time, call);
          // When nothing decides between rows, they cost the same.
          const ours = found.map((row) => priceOfRow(row, call));
          const agrees = theirs === null
            ? ours.length === 0
            : ours.length > 0 && ours.every((price) => isSame(price, theirs));
          if (!agrees) different.push({ name, time, theirs, ours });
        }
      }
      expect(different).toEqual([]);
    },
  );
});

test("peak hours apply from the start of their own price only", () => {
  const [model, call] = ["deepseek-v4-flash", CALLS[0]];
  const price = (time: string) =>
    choosePrices(rowsOf.get("deepseek")!, model, time)
      .map((row) => row.input_usd_per_mtok);
  expect(price("2026-01-10T02:00:00Z")).toEqual(["0.14"]);
  expect(price("2026-08-17T02:00:00Z")).toEqual(["0.44"]);
  expect(price("2026-08-17T05:00:00Z")).toEqual(["0.22"]);
  const deepseek = providers.find(({ id }) => id === "deepseek")!;
  const theirs = (time: string) => priceOf(deepseek, model, time, call);
  expect(theirs("2026-01-10T02:00:00Z")).toBe(theirs("2026-08-17T02:00:00Z"));
});

test("no two rows have the same match and time", () => {
  const keys = rows.map((row) =>
    [
      row.provider,
      row.match_kind,
      row.match_value,
      row.effective_from,
      row.daily_from,
    ].join(" ")
  );
  expect(new Set(keys).size).toBe(keys.length);
});

test("a name implies the provider that genai-prices finds for it", () => {
  const simple = rows.filter((row) => row.match_kind !== "regex");
  for (const { provider, match_value, implies_provider } of simple) {
    const theirs = findProvider({ modelId: match_value })?.id;
    // Served models imply the provider that they are served for.
    const served = !isOwn(provider, match_value);
    expect([match_value, provider, implies_provider ?? false])
      .toEqual([match_value, provider, !served && theirs === provider]);
  }
  const implied = rows.filter((row) => row.implies_provider);
  expect(implied.map((row) => row.provider)).toContain("anthropic");
  expect(implied.filter((row) => row.match_kind === "regex")).not.toEqual([]);
});

test("a provider that serves another's models has their prices and is not implied", () => {
  const find = (provider: string, value: string) =>
    rowsOf.get(provider)!.find((row) => row.match_value === value);
  const { provider: _, implies_provider, ...own } = find("openai", "o3-pro") ??
    {};
  expect(implies_provider).toBe(true);
  expect(find("azure", "o3-pro")).toEqual({ ...own, provider: "azure" });
});

test("a model without a price has rows without prices", () => {
  const [whisper] = rowsOf.get("openai")!
    .filter((row) => row.match_value === "whisper-1");
  expect(whisper).toEqual({
    provider: "openai",
    match_kind: whisper.match_kind,
    match_value: "whisper-1",
    effective_from: "1970-01-01T00:00:00Z",
    implies_provider: true,
  });
});

test("the first of two models with the same match has precedence", () => {
  const made = toPriceRows([makeProvider([
    { id: "a", match: { equals: "X" }, prices: { input_mtok: 1 } },
    {
      id: "b",
      match: { or: [{ equals: "x" }, { equals: "y" }, { equals: "Y" }] },
      prices: { input_mtok: 2 },
    },
  ])]);
  expect(made.map((row) => [row.match_value, row.input_usd_per_mtok]))
    .toEqual([["x", "1"], ["y", "2"]]);
});

test.each([
  ["a price without a start after the first", [
    { prices: {} },
    { prices: {} },
  ], "only the first"],
  ["start dates that fall", [
    { prices: {} },
    startingOn("2026-02-01"),
    startingOn("2026-01-01"),
  ], "do not ascend"],
])("%s is refused", (_, prices, message) => {
  const provider = makeProvider([{ id: "a", match: { equals: "a" }, prices }]);
  expect(() => toPriceRows([provider])).toThrow(message);
});

test("supabase/prices.sql matches the installed genai-prices", async () => {
  const file = new URL("../../../supabase/prices.sql", import.meta.url);
  expect(await Deno.readTextFile(file) === await writePrices()).toBe(true);
});

test("the source names the installed version", async () => {
  const { default: { dependencies } } = await import("../../../package.json", {
    with: { type: "json" },
  });
  expect(source)
    .toBe(`genai-prices ${dependencies["@pydantic/genai-prices"]}`);
});

/** Every name that a provider's data holds at every time, and more names at one. */
function questionsOf(provider: Provider): [string, string][] {
  const served = provider.fallback_model_providers ?? [];
  const models = providers
    .filter(({ id }) => id === provider.id || served.includes(id))
    .flatMap(({ models }) => models);
  const names = models.flatMap(({ id, match }) => [id, ...valuesOf(match)])
    .map((name) => name.toLowerCase());
  const around = [...new Set(names)].flatMap((name) => [
    ...ENDINGS.map((ending) => name + ending),
    ...BEGINNINGS.map((beginning) => beginning + name),
  ]);
  const questions = [
    ...names.flatMap((name) => TIMES.map((time) => [name, time])),
    ...around.map((name) => [name, TIMES[0]]),
  ] as [string, string][];
  expect(questions.length).toBeGreaterThan(TIMES.length);
  return questions;
}

function valuesOf(match: MatchLogic): string[] {
  if ("or" in match) return match.or.flatMap(valuesOf);
  if ("and" in match) return match.and.flatMap(valuesOf);
  return "regex" in match ? [] : Object.values(match);
}

type Price = number | "not known";

/** In USD, or null when there is no such model. */
function priceOf(
  provider: Provider,
  name: string,
  time: string,
  call: Units,
): Price | null {
  const price = calcPrice(whole(call), name, {
    providerId: provider.id,
    timestamp: new Date(time),
  });
  if (!price) return null;
  // Prices of durations cannot be entered.
  const known = Object.keys(price.model_price)
    .some((key) => !key.endsWith("_hours"));
  return known ? price.total_price : "not known";
}

function priceOfRow(row: PriceRow, call: Units): Price {
  const known = Object.keys(row).some((key) => key.includes("usd"));
  return known ? costOf(row, call) : "not known";
}

/** Rows have nine decimals of the data's floats. */
function isSame(ours: Price, theirs: Price): boolean {
  if (ours === "not known" || theirs === "not known") return ours === theirs;
  return Math.abs(ours - theirs) <= theirs * 1e-8;
}

/** The units of genai-prices: each with all that it includes. */
function whole(call: Units): Units {
  const all = { ...call };
  const add = (unit: string, ...included: string[]) => {
    for (const one of included) all[unit] += all[one];
  };
  add("input_audio_tokens", "cache_audio_read_tokens");
  add("input_image_tokens", "cache_image_read_tokens");
  add(
    "cache_read_tokens",
    "cache_audio_read_tokens",
    "cache_image_read_tokens",
  );
  add("cache_write_tokens", "cache_write_1h_tokens");
  all.input_tokens = sum(call, /^(input|cache)_.*tokens$/);
  all.output_tokens = sum(call, /^output_.*tokens$/);
  add("input_document_pages", "input_annotated_document_pages");
  return all;
}

function sum(call: Units, pattern: RegExp): number {
  return Object.entries(call).filter(([unit]) => pattern.test(unit))
    .reduce((total, [, amount]) => total + amount, 0);
}

function isOwn(provider: string, value: string): boolean {
  return providers.find(({ id }) => id === provider)!.models.some((model) =>
    valuesOf(model.match).some((one) => one.toLowerCase() === value)
  );
}

function makeProvider(models: Provider["models"]): Provider {
  return { id: "acme", name: "Acme", api_pattern: "acme", models };
}

function startingOn(start_date: string) {
  return {
    constraint: { type: "start_date" as const, start_date },
    prices: {},
  };
}
