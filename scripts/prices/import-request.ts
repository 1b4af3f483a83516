import { StackError } from "../../local/stack-error.ts";
import type { PublishedPrices } from "./published-prices.ts";

/** A price that differs from the one before it, as `import_model_prices` reports it. */
export interface PriceChange {
  provider: string;
  match_kind: string;
  match_value: string;
  service_tier?: string;
  daily_from?: string;
  daily_to?: string;
  effective_from: string;
  /** A column, another unit, or a column above a number of input tokens. */
  column: string;
  from: string | null;
  to: string | null;
}

/** The result of an import or its dry run, in numbers of rows. */
export interface ImportAnswer {
  new: number;
  corrected: number;
  unchanged: number;
  /** Rows of the price list that are no longer published; they stay. */
  unlisted: number;
  /** Rows with a suspicious price that was not accepted. */
  withheld: number;
  entered: number;
  changed: PriceChange[];
  suspicious: (PriceChange & { why: string })[];
}

/** A project's REST API. */
export interface Project {
  /** Origin, without a path. */
  url: string;
  /** A secret key, or a JWT of `service_role`. */
  key: string;
}

/** Whether to enter the differences, and suspicious ones too. */
export interface ImportOptions {
  apply: boolean;
  acceptSuspicious: boolean;
}

const TIMEOUT_MS = 60_000;
/** PostgREST: the function does not exist. */
const NO_FUNCTION = "PGRST202";
/** SQLSTATE: the role may not call it. */
const NOT_ALLOWED = "42501";

/**
 * Calls `import_model_prices` of a project.
 *
 * @throws {StackError} without the key, if the request fails.
 */
export async function requestImport(
  { url, key }: Project,
  { source, rows }: PublishedPrices,
  { apply, acceptSuspicious }: ImportOptions,
): Promise<ImportAnswer> {
  const response = await fetch(`${url}/rest/v1/rpc/import_model_prices`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      apikey: key,
      // A secret key is not a JWT; the legacy keys of a project are.
      ...(key.startsWith("sb_") ? {} : { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({
      prices: rows,
      source,
      apply,
      accept_suspicious: acceptSuspicious,
    }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => {
    throw new StackError(
      `Cannot reach ${url}: start the stack with npm start, or name another project with --url`,
    );
  });
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  throw new StackError(
    `Cannot import prices into ${url}: ${explain(response.status, body)}`,
  );
}

function explain(
  status: number,
  { code, message, details }: Record<string, string | undefined>,
): string {
  if (code === NO_FUNCTION) {
    return "it has no function import_model_prices; push the migrations first";
  }
  if (status === 401 || code === NOT_ALLOWED) {
    return "the key is not a secret key of it; set SUPABASE_SECRET_KEY";
  }
  const parts = [message, details].filter((part) => part);
  return parts.join("; ") || `it answered with status ${status}`;
}
