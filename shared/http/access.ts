import type { Caller, ProducerKey } from "../db/call-function.ts";
import type { Environment } from "../db/environment.ts";
import type { EventSchema, Log } from "../logs/log.ts";
import { authenticate } from "./authenticate.ts";
import type { CallerContext, Context, DatabaseContext } from "./context.ts";
import { createProblem, ProblemError } from "./problem.ts";

/**
 * Access control of a route: grants the context that the handler needs, or throws a
 * problem. It does not read the body of a caller without credentials.
 */
export type Access<Admitted extends Context> = (
  ctx: Context,
) => Admitted | Promise<Admitted>;

/** Everyone, even without a valid environment. */
export const open: Access<Context> = (ctx) => ctx;

/** Everyone. */
export const anyone: Access<DatabaseContext> = (ctx) =>
  Object.assign(ctx, { env: requireEnvironment(ctx) });

/** A service or a user. */
export const serviceOrUser: Access<CallerContext> = async (ctx) => {
  const admitted = await admit(ctx);
  if (admitted.caller.kind === "producer") throw forbid("do this");
  return admitted;
};

/** Services; `purpose` completes "Only a service may …" in a 403. */
export const serviceOnly =
  (purpose: string): Access<CallerContext> => async (ctx) => {
    const admitted = await admit(ctx);
    if (admitted.caller.kind !== "service") throw forbid(purpose);
    return admitted;
  };

/**
 * Callers who may write into a log: services, producers with a key for it, and users
 * where the log permits them and `users` is not false. The parameters of the URL that are
 * in the scope of a producer key take the values of the scope, if `parameters` has them.
 */
export const writerOf = (
  log: Log,
  { purpose = `write ${log.table}`, users = true, parameters = [] }: {
    purpose?: string;
    users?: boolean;
    parameters?: readonly string[];
  } = {},
): Access<CallerContext> =>
async (ctx) => {
  const admitted = await admit(ctx);
  const { caller } = admitted;
  if (caller.kind === "producer") {
    requireLog(caller.key, log);
    for (const [name, value] of scopeOf(caller.key, parameters)) {
      ctx.query.set(name, value);
    }
  } else if (caller.kind === "user" && !(users && log.userWrites !== null)) {
    throw forbid(purpose);
  }
  return admitted;
};

/**
 * Callers who may read a log: services, users, and producers with a key that may read it.
 * The latter read within the scope of the key: `parameters` of the URL are set to it.
 */
export const readerOf = (
  log: Log,
  parameters: readonly string[] = [],
): Access<CallerContext> =>
async (ctx) => {
  const admitted = await admit(ctx);
  const { caller } = admitted;
  if (caller.kind === "producer") {
    requireReader(caller.key, log);
    restrictQuery(ctx.query, caller.key, parameters);
  }
  return admitted;
};

/** Callers who may reserve from a budget: services, and producers that may read the log. */
export const reserverOf = (log: Log): Access<CallerContext> => async (ctx) => {
  const admitted = await readerOf(log)(ctx);
  if (admitted.caller.kind === "user") throw forbid("reserve a budget");
  return admitted;
};

async function admit(ctx: Context): Promise<CallerContext> {
  const env = requireEnvironment(ctx);
  const caller = await authenticate(ctx.request, env);
  ctx.annotate({ caller: nameOf(caller) });
  return Object.assign(ctx, { env, caller });
}

/** The name of a caller in the access log, which never has an id of a user. */
function nameOf(caller: Caller): string {
  switch (caller.kind) {
    case "service":
      return `secret:${caller.keyName}`;
    case "producer":
      return `producer:${caller.key.name}`;
    case "user":
      return "user";
  }
}

/** @throws {Error} the configuration error, which becomes a 500 without detail. */
export function requireEnvironment({ environment }: Context): Environment {
  if (environment.error) throw environment.error;
  return environment.data;
}

/** A 403; `purpose` completes "Only a service may …". */
function forbid(purpose: string): ProblemError {
  return new ProblemError(createProblem(
    "not_allowed",
    `Only a service may ${purpose}: send a secret API key in the apikey header`,
  ));
}

/** @throws {ProblemError} 403 when the key is not for the log. */
function requireLog({ logs }: ProducerKey, log: Log): void {
  if (logs.includes(log.table)) return;
  throw new ProblemError(createProblem(
    "not_allowed",
    `The producer key is not for ${log.table}; create one with npm run keys -- create --logs ${log.slug}`,
  ));
}

/** Whether a producer key may read rows of the log, which its scope must then restrict. */
export function mayRead(key: ProducerKey, log: Log): boolean {
  return key.can_read && key.logs.includes(log.table) &&
    (Object.keys(key.scope).length === 0 ||
      scopeOf(key, log.columns).length > 0);
}

/** @throws {ProblemError} 403 when the key may not read the log, or not within its scope. */
function requireReader(key: ProducerKey, log: Log): void {
  requireLog(key, log);
  if (!key.can_read) {
    throw new ProblemError(createProblem(
      "not_allowed",
      "The producer key is write-only; create one without --write-only",
    ));
  }
  if (mayRead(key, log)) return;
  throw new ProblemError(createProblem(
    "not_allowed",
    `The scope of the producer key does not restrict ${log.table}, so it may only write it; read it with a secret API key`,
  ));
}

/** The scope of a producer key, as far as the members of a schema have it; {} otherwise. */
export function scopeFor(
  caller: Caller,
  { shape }: EventSchema,
): Record<string, string> {
  if (caller.kind !== "producer") return {};
  return Object.fromEntries(scopeOf(caller.key, Object.keys(shape)));
}

function scopeOf(
  { scope }: ProducerKey,
  columns: readonly string[],
): [string, string][] {
  return Object.entries(scope).filter(([column]) => columns.includes(column));
}

/** @throws {ProblemError} 403 for a parameter outside the scope. */
function restrictQuery(
  query: URLSearchParams,
  key: ProducerKey,
  parameters: readonly string[],
): void {
  for (const [name, value] of scopeOf(key, parameters)) {
    if (query.getAll(name).some((sent) => sent.toLowerCase() !== value)) {
      throw new ProblemError(createProblem(
        "not_allowed",
        `The producer key reads only its own ${name}; omit this parameter`,
      ));
    }
    query.set(name, value);
  }
}
