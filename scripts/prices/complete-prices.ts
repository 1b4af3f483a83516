/**
 * Prices that providers publish as a factor of the standard price, or as a rule, which
 * genai-prices does not have.
 */
import { multiply } from "./decimals.ts";
import { OPENAI_PRIORITY } from "./openai-priority.ts";
import { byMatch } from "./published-prices.ts";
import type { PriceRow, TokenColumn } from "./price-row.ts";

/** The rows of genai-prices, completed, with those of the service tiers; sorted. */
export function completePrices(rows: readonly PriceRow[]): PriceRow[] {
  const complete = rows.map(completeRow);
  const tiers = complete.flatMap((row) => toTierRows(row));
  return [...complete, FREE_MODELS, ...tiers].sort(byMatch);
}

/** OpenRouter's free variants of models, such as those it does not list any more. */
const FREE_MODELS: PriceRow = {
  provider: "openrouter",
  match_kind: "regex",
  match_value: ":free$",
  effective_from: "1970-01-01T00:00:00Z",
  ...freePrices(),
};

function freePrices(): Partial<PriceRow> {
  return {
    input_usd_per_mtok: "0",
    cache_write_5m_usd_per_mtok: "0",
    cache_write_1h_usd_per_mtok: "0",
    output_usd_per_mtok: "0",
  };
}

function completeRow(row: PriceRow): PriceRow {
  if (row.provider === "openrouter" && row.match_value.endsWith(":free")) {
    return { ...row, ...freePrices() };
  }
  return withImageOutput(withHourWrites(row));
}

/**
 * Claude's cache writes of one hour cost twice the input, also on Bedrock and Vertex:
 * https://platform.claude.com/docs/en/build-with-claude/prompt-caching
 */
function withHourWrites(row: PriceRow): PriceRow {
  const hasPrice = row.cache_write_1h_usd_per_mtok !== undefined ||
    row.cache_write_5m_usd_per_mtok === undefined ||
    row.input_usd_per_mtok === undefined;
  if (hasPrice || !row.match_value.includes("claude")) return row;
  const hourly = (input: string) => multiply(input, "2");
  return {
    ...row,
    cache_write_1h_usd_per_mtok: hourly(row.input_usd_per_mtok!),
    ...(row.context_tiers && {
      context_tiers: row.context_tiers.map((tier) =>
        tier.input_usd_per_mtok === undefined ? tier : {
          ...tier,
          cache_write_1h_usd_per_mtok: hourly(tier.input_usd_per_mtok),
        }
      ),
    }),
  };
}

/** genai-prices lists the images of these models as their output. */
const IMAGE_MODEL = /^gpt-image-(?:1|1-mini|2)(?:-\d{4}-\d\d-\d\d)?$/;

function withImageOutput(row: PriceRow): PriceRow {
  const output = row.output_usd_per_mtok;
  if (row.provider === "openrouter" || output === undefined) return row;
  if (!IMAGE_MODEL.test(row.match_value)) return row;
  const other = row.other_usd_per_million;
  return {
    ...row,
    other_usd_per_million: { ...other, output_image_tokens: output },
  };
}

/** Tokens cost the standard price times a factor. */
interface TierRule {
  tier: string;
  factor: string;
  /** Whether cached tokens keep the standard price. */
  keepsCacheReads?: boolean;
}

/** Not text: realtime and audio models, and variants of another price list. */
const UNTIERED =
  /realtime|audio|transcribe|tts|whisper|live|image|search|omni|gemma|^chatgpt|^ft:|\.ft-/;

function toTierRows(row: PriceRow): PriceRow[] {
  if (UNTIERED.test(row.match_value)) return [];
  switch (row.provider) {
    case "openai":
      return [
        ...HALF.map((rule) => toTierRow(row, rule)),
        ...toPriorityRows(row),
      ];
    case "anthropic":
      return anthropicRules(row).map((rule) => toTierRow(row, rule));
    case "google":
      if (!row.match_value.includes("gemini")) return [];
      return HALF.map((rule) =>
        toTierRow(row, { ...rule, keepsCacheReads: true })
      );
    default:
      return [];
  }
}

/**
 * https://developers.openai.com/api/docs/pricing and
 * https://ai.google.dev/gemini-api/docs/optimization
 */
const HALF: TierRule[] = [
  { tier: "batch", factor: "0.5" },
  { tier: "flex", factor: "0.5" },
];

/**
 * Batches, fast mode and inference in the US alone, which multiply one another:
 * https://platform.claude.com/docs/en/about-claude/pricing and
 * https://platform.claude.com/docs/en/build-with-claude/fast-mode
 */
function anthropicRules({ match_value }: PriceRow): TierRule[] {
  const isRegional = !FORMER_CLAUDE.test(match_value);
  const us = isRegional ? "1.1" : "1";
  const rules = [
    { tier: "batch", factor: "0.5" },
    { tier: "us", factor: us },
    { tier: "batch-us", factor: multiply("0.5", us) },
  ];
  const fast = FAST_CLAUDE.find(([model]) => model.test(match_value))?.[1];
  if (fast === undefined) return rules;
  return [
    ...rules,
    { tier: "fast", factor: fast },
    { tier: "fast-us", factor: multiply(fast, us) },
  ];
}

/** Claude models before Opus 4.6 and Sonnet 4.6, which cost the same everywhere. */
const FORMER_CLAUDE =
  /claude-(?:v?[123]|instant|4-(?:5-)?(?:opus|sonnet|haiku)|4\.5|(?:opus|sonnet|haiku)-(?:3|4$|4@|4-0|4[-.]1|4-2|4[-.]5))/;

const FAST_CLAUDE: readonly [RegExp, string][] = [
  [/opus-4[-.][67]|4[-.][67]-opus/, "6"],
  [/opus-5(?:$|@|\.0|-\\d)|^claude-5(?:\.0)?-opus/, "2"],
];

const TOKEN_COLUMNS: readonly TokenColumn[] = [
  "input_usd_per_mtok",
  "cache_read_usd_per_mtok",
  "cache_write_5m_usd_per_mtok",
  "cache_write_1h_usd_per_mtok",
  "output_usd_per_mtok",
  "reasoning_usd_per_mtok",
];

function toTierRow(row: PriceRow, rule: TierRule): PriceRow {
  const { implies_provider: _, ...tierRow } = row;
  Object.assign(tierRow, { service_tier: rule.tier }, scaleColumns(row, rule));
  if (row.context_tiers) {
    tierRow.context_tiers = row.context_tiers.map((tier) => ({
      ...tier,
      ...scaleColumns(tier, rule),
    }));
  }
  const other = row.other_usd_per_million;
  if (other) tierRow.other_usd_per_million = scaleUnits(other, rule);
  return tierRow;
}

function scaleColumns(
  prices: { [column in TokenColumn]?: string },
  { factor, keepsCacheReads }: TierRule,
): { [column in TokenColumn]?: string } {
  const scaled: { [column in TokenColumn]?: string } = {};
  for (const column of TOKEN_COLUMNS) {
    const price = prices[column];
    if (price === undefined) continue;
    const isKept = keepsCacheReads && column === "cache_read_usd_per_mtok";
    scaled[column] = isKept ? price : multiply(price, factor);
  }
  return scaled;
}

/** Searches and pages cost the same in each tier. */
function scaleUnits(
  units: Record<string, string>,
  { factor, keepsCacheReads }: TierRule,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(units).map(([unit, price]) => {
      const isKept = !unit.endsWith("_tokens") ||
        (keepsCacheReads && unit.startsWith("cache_"));
      return [unit, isKept ? price : multiply(price, factor)];
    }),
  );
}

/** OpenAI's fast mode, which was called priority processing. */
const OPENAI_FAST = ["fast", "priority"];

function toPriorityRows(row: PriceRow): PriceRow[] {
  const model = row.match_value;
  if (model.startsWith("gpt-5.6")) {
    return OPENAI_FAST.map((tier) => toTierRow(row, { tier, factor: "2" }));
  }
  const prices = OPENAI_PRIORITY.get(model) ??
    OPENAI_PRIORITY.get(model.replace(/-\d{4}-\d\d-\d\d$/, ""));
  if (!prices || row.effective_from > "1970-01-02") return [];
  const [input, cacheRead, output] = prices;
  const { implies_provider: _, context_tiers: __, ...standard } = row;
  return OPENAI_FAST.map((service_tier) => ({
    ...standard,
    service_tier,
    input_usd_per_mtok: input,
    ...(cacheRead && { cache_read_usd_per_mtok: cacheRead }),
    output_usd_per_mtok: output,
  }));
}
