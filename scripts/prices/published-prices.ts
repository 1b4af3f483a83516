/**
 * The published prices: what genai-prices says, as rows of `public.model_prices`.
 */
import {
  type ConditionalPrice,
  type ModelInfo,
  type Provider,
  waitForUpdate,
} from "@pydantic/genai-prices";
import { matchesRule } from "../../shared/pricing/providers.ts";
import { isCovered, matchKey, toAlternatives } from "./match-alternatives.ts";
import { toPriceColumns } from "./price-columns.ts";
import type { PriceRow, Prices } from "./price-row.ts";

/** Since when a price holds that has no start. */
const ALWAYS = "1970-01-01T00:00:00Z";
const PACKAGE = new URL(
  "../../node_modules/@pydantic/genai-prices/package.json",
  import.meta.url,
);

/** The published prices and whose they are. */
export interface PublishedPrices {
  /** Name and version of the package. */
  source: string;
  /** Sorted by provider, match and time. */
  rows: PriceRow[];
}

/** The prices of the genai-prices that is installed. */
export async function readPublishedPrices(): Promise<PublishedPrices> {
  const { version } = JSON.parse(await Deno.readTextFile(PACKAGE));
  const providers = await waitForUpdate();
  if (!providers) throw new Error("genai-prices has no prices");
  return { source: `genai-prices ${version}`, rows: toPriceRows(providers) };
}

/**
 * One row per alternative of a model's match and per price of the model. Where
 * two models of a provider have the same alternative, the first one counts, as in
 * genai-prices. A provider that serves the models of others has their rows, too,
 * except those for which it has its own.
 */
export function toPriceRows(providers: Provider[]): PriceRow[] {
  const own = new Map(
    providers.map((one) => [one.id, toOwnRows(one, providers)]),
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
  return rows.sort((one, other) => sortKey(one) < sortKey(other) ? -1 : 1);
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

/** The provider of whom genai-prices takes a model to be when none is named. */
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
 * The prices of a model, each with when it holds.
 *
 * Hours of the day hold from the start date before them in the list. That differs
 * from genai-prices, which applies them to every event, however old: it prices a
 * call of 2025 by the peak hours that came with the prices of 2026.
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
        throw new Error(`Cannot enter ${id}: its start dates do not rise`);
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

/** The rows whose match is not that of a known one. */
function withoutKnown(rows: PriceRow[], known: PriceRow[]): PriceRow[] {
  const keys = new Set(known.map(matchKey));
  return rows.filter((row) => !keys.has(matchKey(row)));
}

/**
 * Another provider's rows as those of a provider that serves its models, too,
 * without those that can never count, because a known row comes before them
 * however long their own value is.
 */
function toServed(
  rows: PriceRow[],
  provider: string,
  known: PriceRow[],
): PriceRow[] {
  return rows
    .filter((row) => !known.some((one) => isCovered(row, one)))
    .map(({ implies_provider: _, ...row }) => ({ ...row, provider }));
}

function sortKey(row: PriceRow): string {
  return [
    row.provider,
    row.match_value,
    row.match_kind,
    row.effective_from,
    row.daily_from ?? "",
  ].join("\u0000");
}
