import type { Caller } from "../db/caller.ts";
import type { Environment } from "../db/environment.ts";
import { authenticate } from "./authenticate.ts";
import type { CallerContext, Context, DatabaseContext } from "./context.ts";
import { createProblem, ProblemError } from "./problem.ts";

/**
 * Who may take a route: grants a request the context that its handler needs, or
 * throws a problem. It does not read the body of a caller without credentials.
 */
export type Access<Admitted extends Context> = (
  ctx: Context,
) => Admitted | Promise<Admitted>;

/** Anyone, even when the function is configured wrongly. */
export const open: Access<Context> = (ctx) => ctx;

/** Anyone. */
export const anyone: Access<DatabaseContext> = (ctx) =>
  Object.assign(ctx, { env: requireEnvironment(ctx) });

/** A service or a user. */
export const anyCaller: Access<CallerContext> = async (ctx) => {
  const env = requireEnvironment(ctx);
  const caller = await authenticate(ctx.request, env);
  ctx.annotate({
    caller: caller.kind === "user" ? "user" : `secret:${caller.keyName}`,
  });
  return Object.assign(ctx, { env, caller });
};

/** A service; `purpose` says in a refusal what only services may do. */
export const serviceOnly =
  (purpose: string): Access<CallerContext> => async (ctx) => {
    const admitted = await anyCaller(ctx);
    requireService(admitted.caller, purpose);
    return admitted;
  };

/** @throws the function's configuration error, which the caller sees as a 500. */
export function requireEnvironment({ environment }: Context): Environment {
  if (environment.error) throw environment.error;
  return environment.data;
}

/** @throws {ProblemError} 403 when the caller is not a service. */
function requireService(caller: Caller, purpose: string): void {
  if (caller.kind === "service") return;
  throw new ProblemError(createProblem(
    "not_allowed",
    `Only a service may ${purpose}: send a secret API key in the apikey header`,
  ));
}
