import { PostgrestClient } from "@supabase/postgrest-js";
import type { Caller } from "./caller.ts";
import { type Environment, pickKey } from "./environment.ts";
import { StoreError } from "./store-error.ts";

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
