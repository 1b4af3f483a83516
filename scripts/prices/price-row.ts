/** A row of `public.model_prices` for the import; prices are decimal strings. */
export interface PriceRow {
  provider: string;
  match_kind: "equals" | "starts_with" | "ends_with" | "contains" | "regex";
  match_value: string;
  /** Omitted for the standard tier. */
  service_tier?: string;
  effective_from: string;
  /** The hours of the day in UTC at which it applies. */
  daily_from?: string;
  daily_to?: string;
  input_usd_per_mtok?: string;
  cache_read_usd_per_mtok?: string;
  cache_write_5m_usd_per_mtok?: string;
  cache_write_1h_usd_per_mtok?: string;
  output_usd_per_mtok?: string;
  reasoning_usd_per_mtok?: string;
  request_usd?: string;
  /** unit → USD per million */
  other_usd_per_million?: Record<string, string>;
  /** In ascending order of `above_input_tokens`. */
  context_tiers?: ContextTier[];
  implies_provider?: true;
}

/** The columns that hold prices. */
export type Prices = Pick<
  PriceRow,
  TokenColumn | "request_usd" | "other_usd_per_million" | "context_tiers"
>;

/** The columns that a context tier may override. */
export type TokenColumn = Extract<keyof PriceRow, `${string}_usd_per_mtok`>;

/** The prices of a call whose input exceeds `above_input_tokens`. */
export type ContextTier =
  & { above_input_tokens: number }
  & { [column in TokenColumn]?: string };
