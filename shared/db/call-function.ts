import { PostgrestClient } from "@supabase/postgrest-js";
import { type Environment, pickKey } from "./environment.ts";

/** Who calls the database, and where it is. */
export type Session = { caller: Caller; env: Environment };

/**
 * Calls a function of the schema public once: a service as the service role, a user
 * through her own token, so that row security decides. Parameters that are
 * `undefined` are left to their defaults.
 *
 * @throws {StoreError} when it did not answer.
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
    // The client would look at each member of each event before it writes it.
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

/** The headers of supabase-js, which sends a secret key in both places. */
function headersOf(caller: Caller, env: Environment): Record<string, string> {
  const isService = caller.kind === "service";
  const kind = isService ? "secret" : "publishable";
  const apikey = pickKey(isService ? env.secretKeys : env.publishableKeys);
  if (!apikey) {
    const variable = `SUPABASE_${kind.toUpperCase()}_KEYS`;
    throw new Error(
      `The project has no ${kind} key; ${variable} wants a JSON object of them`,
    );
  }
  return {
    apikey,
    authorization: `Bearer ${isService ? apikey : caller.token}`,
    "x-client-info": "ledger-functions",
  };
}

/**
 * Adds the names of the parameters to the URL. With them PostgREST hands the body
 * to Postgres as it is; without, it parses all of it to find them.
 */
function nameColumns(url: string, parameters: Record<string, unknown>): string {
  const given = Object.keys(parameters)
    .filter((name) => parameters[name] !== undefined);
  return given.length > 0 ? `${url}?columns=${given.join(",")}` : url;
}

/**
 * SQLSTATE classes and codes that pass by themselves: connection exceptions,
 * insufficient resources, operator intervention (shutdown, statement timeout),
 * serialization failures, deadlocks, lock timeouts, sessions and transactions that
 * took too long, and a database that only reads, which the platform makes of one
 * whose disk is nearly full (PostgreSQL, appendix A).
 */
const TRANSIENT = /^(08|53|57|58)|^40001$|^40P01$|^55P03$|^25006$|^25P0[34]$/;

/** PostgREST's own codes for a database that it cannot reach or is out of. */
const UNREACHABLE = /^PGRST00[0-3]$/;

/** A SQLSTATE or a code of PostgREST: the REST API knew what it was doing. */
const KNOWN = /^(?:[0-9A-Z]{5}|PGRST\d+)$/;

/** A call into the database that did not answer with results. */
export class StoreError extends Error {
  override name = "StoreError";

  /** Whether the same call can be expected to work later. */
  readonly isTransient: boolean;

  constructor(
    /** What the REST API said, for our log alone. */
    readonly reason: {
      message: string;
      code?: string;
      details?: string | null;
    },
    /** HTTP status of the REST API's answer, 0 when there was none. */
    readonly status: number,
  ) {
    super(`the database call failed: ${reason.message}`);
    const { code = "" } = reason;
    // Without an answer the code is of a socket, and EPIPE looks like a SQLSTATE.
    this.isTransient = status === 0 || !KNOWN.test(code) ||
      TRANSIENT.test(code) ||
      UNREACHABLE.test(code) || (status >= 502 && status <= 504);
  }
}

/**
 * Requires an answer to be an object with one of these members. What is not comes
 * from something between us and the database, and says nothing about what was done.
 *
 * @throws {StoreError} when it is not.
 */
export function requireMember(answer: unknown, ...members: string[]): void {
  const isOurs = typeof answer === "object" && answer !== null &&
    members.some((member) => Object.hasOwn(answer, member));
  if (!isOurs) {
    const wanted = members.join(" or ");
    throw new StoreError(
      { message: `the answer is not an object with ${wanted}` },
      0,
    );
  }
}

/** Requires an answer to be a list. @throws {StoreError} when it is not. */
export function requireList(answer: unknown): void {
  if (!Array.isArray(answer)) {
    throw new StoreError({ message: "the answer is not a list" }, 0);
  }
}

/** Who sent a request, after the credential was verified. */
export type Caller =
  /** The holder of a secret API key; `keyName` is the producer's identity. */
  | { kind: "service"; keyName: string }
  /** A signed-in user; `id` is the token's subject. */
  | { kind: "user"; id: string; token: string };
