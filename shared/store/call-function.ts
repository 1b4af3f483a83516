import { createAdminClient, createContextClient } from "@supabase/server/core";
import type { Database } from "../database.types.ts";
import type { Caller } from "./caller.ts";
import type { Environment } from "./environment.ts";
import { StoreError } from "./store-error.ts";

/** Who calls the database, and where it is. */
export type Session = { caller: Caller; env: Environment };

/** A function of the schema public. */
export type FunctionName = Extract<
  keyof Database["public"]["Functions"],
  string
>;

/**
 * Calls a function of the database: a service as the service role, a user
 * through her own token, so that row security decides.
 *
 * @throws {StoreError} when it did not answer.
 */
export async function callFunction(
  { caller, env }: Session,
  name: FunctionName,
  parameters: Record<string, unknown>,
  timeoutMs: number,
): Promise<unknown> {
  const client = caller.kind === "service"
    ? serviceClientOf(env)
    : createContextClient<Database>({ env, auth: { token: caller.token } });
  const { data, error, status } = await client
    .rpc(name, parameters as never)
    .abortSignal(AbortSignal.timeout(timeoutMs));
  if (error) throw new StoreError(error, status);
  return data;
}

type ServiceClient = ReturnType<typeof createAdminClient<Database>>;

/** The client of a service is the same for every request, and dear to make. */
const serviceClients = new WeakMap<Environment, ServiceClient>();

function serviceClientOf(env: Environment): ServiceClient {
  let client = serviceClients.get(env);
  if (client === undefined) {
    client = createAdminClient<Database>({ env });
    serviceClients.set(env, client);
  }
  return client;
}
