/**
 * The cost of a call, computed a second time: in integers, of which 10^12
 * are a dollar in a price and 10^18 in a cost.
 *
 * @module
 */

/** Picodollars per million, or per request. */
export type Picos = bigint;

/** The columns of model_prices that price tokens. */
export const TOKEN_PRICES = [
  "input_usd_per_mtok",
  "cache_read_usd_per_mtok",
  "cache_write_5m_usd_per_mtok",
  "cache_write_1h_usd_per_mtok",
  "output_usd_per_mtok",
  "reasoning_usd_per_mtok",
] as const;

/** Prices of tokens; one that is null or missing is unknown. */
export type TokenPrices = {
  [column in typeof TOKEN_PRICES[number]]?: Picos | null;
};

/** A price, every number in picodollars. */
export interface Price extends TokenPrices {
  request_usd?: Picos | null;
  other_usd_per_million: Record<string, Picos>;
  context_tiers: ({ above_input_tokens: number } & TokenPrices)[];
}

/** Disjoint counts. */
export interface Usage {
  uncached: number;
  cache_read: number;
  cache_write_5m: number;
  cache_write_1h: number;
  visible: number;
  reasoning: number;
  other_units: Record<string, number>;
}

/** The units of a usage that are parts of its input, and of its output. */
const IN_INPUT = /^(?:input|cache)_.*_tokens$/;
const IN_OUTPUT = /^output_.*_tokens$/;

/** The full input of a usage. */
export function inputOf(usage: Usage): number {
  return usage.uncached + usage.cache_read + usage.cache_write_5m +
    usage.cache_write_1h + sumOfUnits(usage, IN_INPUT);
}

/** The full output of a usage. */
export function outputOf(usage: Usage): number {
  return usage.visible + usage.reasoning + sumOfUnits(usage, IN_OUTPUT);
}

/** The cost in 10^-18 dollars, and whether something was charged by another rate. */
export function costOf(
  price: Price,
  usage: Usage,
): { cost: bigint; isFloor: boolean } {
  const tier = price.context_tiers
    .filter(({ above_input_tokens }) => inputOf(usage) > above_input_tokens)
    .sort((a, b) => a.above_input_tokens - b.above_input_tokens)
    .at(-1);
  const [input, read, write5m, write1h, output, reasoning] = TOKEN_PRICES
    .map((column) => tier?.[column] ?? price[column] ?? null);
  const cached = read ?? input;
  const written = write5m ?? input;
  const parts: [number, Picos | null][] = [
    [usage.uncached, input],
    [usage.cache_read, cached],
    [usage.cache_write_5m, written],
    [usage.cache_write_1h, write1h ?? written],
    [usage.visible, output],
    [usage.reasoning, reasoning ?? output],
    ...Object.entries(usage.other_units)
      .map(([unit, quantity]): [number, Picos | null] => [
        quantity,
        rateOf(unit, price.other_usd_per_million, { input, read, output }),
      ]),
  ];
  return {
    cost: parts.reduce(
      (sum, [quantity, rate]) => sum + BigInt(quantity) * (rate ?? 0n),
      (price.request_usd ?? 0n) * 1_000_000n,
    ),
    isFloor: parts.some(([quantity, rate]) => quantity > 0 && rate === null) ||
      usage.cache_write_5m > 0 && write5m === null ||
      usage.cache_write_1h > 0 && write1h === null ||
      Object.entries(usage.other_units).some(([unit, quantity]) =>
        quantity > 0 && !hasOwnRate(unit, price.other_usd_per_million)
      ),
  };
}

/** A unit without a price of its own has that of the unit that includes it, if any. */
function rateOf(
  unit: string,
  own: Price["other_usd_per_million"],
  { input, read, output }: Record<"input" | "read" | "output", Picos | null>,
): Picos | null {
  const modality = own[`input_${unit.split("_")[1]}_tokens`] ?? null;
  if (unit in own) return own[unit];
  if (unit === "input_annotated_document_pages") {
    return own.input_document_pages ?? null;
  }
  if (IN_OUTPUT.test(unit)) return output;
  if (!IN_INPUT.test(unit)) return null;
  return (unit.startsWith("cache") ? read : null) ?? modality ?? input;
}

/** Whether a unit has a price, or costs the same as text everywhere. */
function hasOwnRate(unit: string, own: Record<string, Picos>): boolean {
  return unit in own || unit === "input_tool_tokens" ||
    /^(?:input|cache)_(?:image|video)_/.test(unit) ||
    (unit === "input_audio_tool_tokens" && "input_audio_tokens" in own);
}

/** A number of 10^-`scale` as a decimal without zeros at its end. */
export function toDecimal(value: bigint, scale: number): string {
  const digits = String(value).padStart(scale + 1, "0");
  const fraction = digits.slice(-scale).replace(/0+$/, "");
  return digits.slice(0, -scale) + (fraction && `.${fraction}`);
}

/** A cost in 10^-18 dollars with six decimals, half of the last one rounded up. */
export function toMicros(cost: bigint): string {
  const micros = (cost + 500_000_000_000n) / 1_000_000_000_000n;
  const digits = String(micros).padStart(7, "0");
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`;
}

function sumOfUnits({ other_units }: Usage, kind: RegExp): number {
  return Object.entries(other_units)
    .filter(([unit]) => kind.test(unit))
    .reduce((sum, [, quantity]) => sum + quantity, 0);
}
