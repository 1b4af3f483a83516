import type { PriceRow } from "../../../scripts/prices/price-row.ts";

/** Disjoint units of a call, by the names of genai-prices. */
export type Units = Record<string, number>;

const DATE = /-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g;

/**
 * The rows that apply to a model at a time: an exact name first, then a regex,
 * then the longest value; of these the newest, hours of the day before others.
 * More than one when nothing decides between them.
 */
export function choosePrices(
  rows: PriceRow[],
  model: string,
  time: string,
): PriceRow[] {
  for (const name of [model, model.replace(DATE, "-$1-$2-$3")]) {
    const found = rows.filter((row) => holds(row, time) && matches(row, name));
    if (found.length === 0) continue;
    const best = found.map((row) => order(row)).sort().at(-1);
    return found.filter((row) => order(row) === best);
  }
  return [];
}

/** The cost of a call by a row; a unit without a price is part of a larger one. */
export function costOf(row: PriceRow, units: Units): number {
  const tier = row.context_tiers?.findLast((tier) =>
    totalInput(units) > tier.above_input_tokens
  );
  const rates = ratesOf({ ...row, ...tier });
  let total = 0;
  for (const [unit, amount] of Object.entries(units)) {
    total += amount * Number(rates[unit] ?? 0);
  }
  return total / 1e6 + Number(row.request_usd ?? 0);
}

function totalInput(units: Units): number {
  let total = 0;
  for (const [unit, amount] of Object.entries(units)) {
    if (/^(input|cache)_.*tokens$/.test(unit)) total += amount;
  }
  return total;
}

/** USD per million of each unit, by its own price or that of the unit that includes it. */
function ratesOf(row: PriceRow): Record<string, string | undefined> {
  const other = row.other_usd_per_million ?? {};
  const input = row.input_usd_per_mtok;
  const output = row.output_usd_per_mtok;
  const write = row.cache_write_5m_usd_per_mtok ?? input;
  const cached = (kind: string) =>
    row.cache_read_usd_per_mtok ?? other[`input_${kind}_tokens`] ?? input;
  return {
    input_tokens: input,
    input_audio_tokens: input,
    input_image_tokens: input,
    input_video_tokens: input,
    cache_read_tokens: row.cache_read_usd_per_mtok ?? input,
    cache_audio_read_tokens: cached("audio"),
    cache_image_read_tokens: cached("image"),
    cache_video_read_tokens: cached("video"),
    cache_write_tokens: write,
    cache_write_1h_tokens: row.cache_write_1h_usd_per_mtok ?? write,
    output_tokens: output,
    output_audio_tokens: output,
    output_image_tokens: output,
    output_citation_tokens: output,
    output_reasoning_tokens: row.reasoning_usd_per_mtok ?? output,
    input_annotated_document_pages: other.input_document_pages,
    ...other,
  };
}

function holds(row: PriceRow, time: string): boolean {
  if (row.effective_from > time) return false;
  if (!row.daily_from || !row.daily_to) return true;
  const at = time.slice(11, 19);
  return row.daily_from <= at && at < row.daily_to;
}

function matches(row: PriceRow, name: string): boolean {
  const value = row.match_value;
  switch (row.match_kind) {
    case "equals":
      return name === value;
    case "starts_with":
      return name.startsWith(value);
    case "ends_with":
      return name.endsWith(value);
    case "contains":
      return name.includes(value);
    case "regex":
      return regex(value).test(name);
  }
}

const regexes = new Map<string, RegExp>();
function regex(source: string): RegExp {
  const known = regexes.get(source) ?? new RegExp(source);
  regexes.set(source, known);
  return known;
}

/** A key that sorts rows by precedence. */
function order(row: PriceRow): string {
  const kind = { equals: 2, regex: 1 }[row.match_kind as string] ?? 0;
  const length = String(row.match_value.length).padStart(3, "0");
  return [kind, length, row.effective_from, row.daily_from ? 1 : 0].join(" ");
}
