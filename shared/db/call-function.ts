import { PostgrestClient } from "@supabase/postgrest-js";
import { type Environment, pickKey } from "./environment.ts";

/** A verified caller. */
export type Caller =
  /** The holder of a secret API key; `keyName` identifies the service. */
  | { kind: "service"; keyName: string }
  /** The holder of a producer key, within its rights. */
  | { kind: "producer"; key: ProducerKey }
  /** A signed-in user; `id` is the token's subject. */
  | { kind: "user"; id: string; token: string };

/** A producer key and its rights, from `find_producer_key`. */
export type ProducerKey = {
  id: string;
  /** Not unique: a rotated key keeps its name. */
  name: string;
  /** The tables that it may record into. */
  logs: readonly string[];
  /** Column → the value that every event gets, and that every read row has. */
  scope: Readonly<Record<string, string>>;
  /** Whether it may also read the logs, within its scope. */
  can_read: boolean;
};

/** The functions themselves, as callers of the database with the service role. */
export const SERVICE_CALLER = { kind: "service", keyName: "default" } as const;

/** A caller, and the project whose database it calls. */
export type Session = { caller: Caller; env: Environment };

/**
 * Calls a function of the schema public once: for a service or a producer as the service
 * role, for a user with their token, so that row-level security applies. Parameters that are
 * `undefined` take their defaults.
 *
 * @throws {StoreError} when the call failed, or timed out after `timeoutMs`
 * milliseconds.
 */
export async function callFunction(
  { caller, env }: Session,
  name: string,
  parameters: Record<string, unknown>,
  timeoutMs: number,
): Promise<unknown> {
  const client = new PostgrestClient(restUrl(env), {
    headers: headersOf(caller, env),
    schema: "public",
    retry: false,
    // postgrest-js walks every value before it serializes; serialize once instead.
    fetch: (url, init) =>
      fetch(nameColumns(String(url), parameters), {
        ...init,
        body: JSON.stringify(parameters),
      }),
  });
  const { data, error, status } = await client
    .rpc(name, {})
    .abortSignal(AbortSignal.timeout(timeoutMs));
  if (error) throw new StoreError(error, status);
  return data;
}

function restUrl({ url }: Environment): string {
  return new URL("rest/v1", url.endsWith("/") ? url : `${url}/`).href;
}

/** The headers that supabase-js sends: a secret key also as the bearer token. */
function headersOf(caller: Caller, env: Environment): Record<string, string> {
  const isUser = caller.kind === "user";
  const kind = isUser ? "publishable" : "secret";
  const apikey = pickKey(isUser ? env.publishableKeys : env.secretKeys);
  if (!apikey) {
    const variable = `SUPABASE_${kind.toUpperCase()}_KEYS`;
    throw new Error(
      `The project has no ${kind} key; set ${variable} to a JSON object of them`,
    );
  }
  return {
    apikey,
    authorization: `Bearer ${isUser ? caller.token : apikey}`,
    "x-client-info": "ledger-functions",
  };
}

/**
 * Adds the names of the parameters to the URL. PostgREST then passes the body to
 * Postgres as it is, instead of parsing it for the names.
 */
function nameColumns(url: string, parameters: Record<string, unknown>): string {
  const given = Object.keys(parameters)
    .filter((name) => parameters[name] !== undefined);
  return given.length > 0 ? `${url}?columns=${given.join(",")}` : url;
}

/**
 * Transient SQLSTATE classes and codes (PostgreSQL, appendix A): connection exceptions,
 * insufficient resources, operator intervention (shutdown, statement timeout), system
 * errors, serialization failures, deadlocks, lock timeouts, timeouts of sessions and
 * transactions, and a read-only database, which the platform makes of one whose disk
 * is nearly full.
 */
const TRANSIENT = /^(08|53|57|58)|^40001$|^40P01$|^55P03$|^25006$|^25P0[34]$/;

/** The SQLSTATEs that become problems of the caller; docs/errors.md explains all of ours. */
export const SQLSTATES = {
  /** `list_log`: the position of a cursor is of another database. */
  foreignCursor: "LF002",
  /** invalid_parameter_value: `summarise_log` got a time zone that Postgres does not know. */
  invalidParameter: "22023",
  /** insufficient_privilege: the caller does not hold a signing key that the database knows. */
  notAllowed: "42501",
  /** `rate_llm_usage`: the selection is too large; PostgREST answers 413. */
  tooManyRows: "PT413",
} as const;

/** PostgREST's codes for a database that it cannot reach, or without a free connection. */
const UNREACHABLE = /^PGRST00[0-3]$/;

/** A SQLSTATE or a code of PostgREST; any other code is from something in between. */
const KNOWN_CODE = /^(?:[0-9A-Z]{5}|PGRST\d+)$/;

/** A failed call into the database. */
export class StoreError extends Error {
  override name = "StoreError";

  /** Whether the same call may succeed later. */
  readonly isTransient: boolean;

  constructor(
    /** The error of the REST API, for the access log only. */
    readonly reason: {
      message: string;
      code?: string;
      details?: string | null;
    },
    /** HTTP status of the REST API, 0 without a response. */
    readonly status: number,
  ) {
    super(`the database call failed: ${reason.message}`);
    const { code = "" } = reason;
    // Without a response the code is a socket error, and EPIPE looks like a SQLSTATE.
    this.isTransient = status === 0 || !KNOWN_CODE.test(code) ||
      TRANSIENT.test(code) ||
      UNREACHABLE.test(code) || (status >= 502 && status <= 504);
  }
}

/**
 * Requires a response to be an object with one of these members. Any other is from a
 * proxy, and it is unknown what the database did.
 *
 * @throws {StoreError} when it is not.
 */
export function requireMember(answer: unknown, ...members: string[]): void {
  const isGenuine = typeof answer === "object" && answer !== null &&
    members.some((member) => Object.hasOwn(answer, member));
  if (!isGenuine) {
    const expected = members.join(" or ");
    throw new StoreError(
      { message: `the answer is not an object with ${expected}` },
      0,
    );
  }
}

/**
 * Requires a response to be a list.
 *
 * @throws {StoreError} when it is not.
 */
export function requireList(answer: unknown): void {
  if (!Array.isArray(answer)) {
    throw new StoreError({ message: "the answer is not a list" }, 0);
  }
}
