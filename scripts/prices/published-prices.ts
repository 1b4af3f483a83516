/**
 * The published prices of genai-prices as rows of `public.model_prices`.
 */
import {
  type ConditionalPrice,
  type ModelInfo,
  type Provider,
  waitForUpdate,
} from "@pydantic/genai-prices";
import {
  isCovered,
  matchesRule,
  matchKey,
  toAlternatives,
} from "./match-alternatives.ts";
import { toPriceColumns } from "./price-columns.ts";
import type { PriceRow, Prices } from "./price-row.ts";

/** The start of a price without one. */
const ALWAYS = "1970-01-01T00:00:00Z";
const PACKAGE = new URL(
  "../../node_modules/@pydantic/genai-prices/package.json",
  import.meta.url,
);

/** The published prices and their source. */
export interface PublishedPrices {
  /** Name and version of the package. */
  source: string;
  /** Sorted by provider, match and time. */
  rows: PriceRow[];
}

/** The prices of the installed genai-prices. */
export async function readPublishedPrices(): Promise<PublishedPrices> {
  const { version } = JSON.parse(await Deno.readTextFile(PACKAGE));
  const providers = await waitForUpdate();
  if (!providers) throw new Error("genai-prices has no prices");
  return { source: `genai-prices ${version}`, rows: toPriceRows(providers) };
}

/**
 * One row per alternative of a model's match and per price of the model. If two models
 * of a provider have the same alternative, the first one counts, as in genai-prices. A
 * provider that serves the models of others also has their rows, unless it has its own.
 */
export function toPriceRows(providers: Provider[]): PriceRow[] {
  const own = new Map(
    providers.map((provider) => [
      provider.id,
      toOwnRows(provider, providers),
    ]),
  );
  const rows = providers.flatMap(({ id, fallback_model_providers }) =>
    (fallback_model_providers ?? []).reduce(
      (
        known,
        other,
      ) => [...known, ...toServed(own.get(other) ?? [], id, known)],
      own.get(id)!,
    )
  );
  return rows.sort(byMatch);
}

/** Compares rows by provider, match, service tier and time. */
export function byMatch(a: PriceRow, b: PriceRow): number {
  return sortKey(a) < sortKey(b) ? -1 : 1;
}

function toOwnRows(provider: Provider, providers: Provider[]): PriceRow[] {
  const rows: PriceRow[] = [];
  for (const model of provider.models) {
    rows.push(...withoutKnown(toModelRows(provider, model, providers), rows));
  }
  return rows;
}

function toModelRows(
  provider: Provider,
  model: ModelInfo,
  providers: Provider[],
): PriceRow[] {
  const prices = listPrices(model);
  const alternatives = toAlternatives(model.match);
  return alternatives.flatMap((alternative) => {
    const name = alternative.match_kind === "regex"
      ? model.id
      : alternative.match_value;
    const implied = impliedProvider(name, providers) === provider;
    return prices.map((price) => ({
      provider: provider.id,
      ...alternative,
      ...price,
      ...(implied ? { implies_provider: true as const } : {}),
    }));
  });
}

/** The provider that genai-prices assumes for a model without one. */
function impliedProvider(
  name: string,
  providers: Provider[],
): Provider | undefined {
  return providers.find(({ model_match }) =>
    model_match && matchesRule(model_match, name)
  );
}

type DatedPrices =
  & Prices
  & Pick<PriceRow, "effective_from" | "daily_from" | "daily_to">;

/**
 * The prices of a model with their times.
 *
 * Hours of the day apply from the start date before them in the list. genai-prices
 * applies them to every event, however old: it prices a call of 2025 by the peak hours of
 * the prices of 2026.
 */
function listPrices({ id, prices }: ModelInfo): DatedPrices[] {
  if (!Array.isArray(prices)) {
    return [{ effective_from: ALWAYS, ...toPriceColumns(prices) }];
  }
  let from = ALWAYS;
  return prices.map(({ constraint, prices }: ConditionalPrice, index) => {
    if ((constraint === undefined) !== (index === 0)) {
      throw new Error(`Cannot enter ${id}: only the first price has no start`);
    }
    const columns = toPriceColumns(prices);
    if (constraint?.type === "time_of_date") {
      return {
        effective_from: from,
        daily_from: toTimeOfDay(constraint.start_time),
        daily_to: toTimeOfDay(constraint.end_time),
        ...columns,
      };
    }
    if (constraint) {
      const start = `${constraint.start_date}T00:00:00Z`;
      if (start <= from) {
        throw new Error(`Cannot enter ${id}: its start dates do not ascend`);
      }
      from = start;
    }
    return { effective_from: from, ...columns };
  });
}

function toTimeOfDay(time: string): string {
  const match = /^(\d{2}:\d{2}:\d{2})Z$/.exec(time);
  if (!match) {
    throw new Error(`Cannot enter hours that are not in UTC: ${time}`);
  }
  return match[1];
}

/** The rows without the match of a known one. */
function withoutKnown(rows: PriceRow[], known: PriceRow[]): PriceRow[] {
  const keys = new Set(known.map(matchKey));
  return rows.filter((row) => !keys.has(matchKey(row)));
}

/**
 * Another provider's rows for a provider that serves its models, without those that can
 * never apply, because a known row takes precedence.
 */
function toServed(
  rows: PriceRow[],
  provider: string,
  known: PriceRow[],
): PriceRow[] {
  return rows
    .filter((row) => !known.some((other) => isCovered(row, other)))
    .map(({ implies_provider: _, ...row }) => ({ ...row, provider }));
}

function sortKey(row: PriceRow): string {
  return [
    row.provider,
    row.match_value,
    row.match_kind,
    row.service_tier ?? "",
    row.effective_from,
    row.daily_from ?? "",
  ].join("\u0000");
}
