/**
 * The local stack without Docker: the services of `supabase start` and `supabase
 * functions serve` in one Deno process.
 */
import { resolve } from "@std/path/resolve.js";
import { lockDataDir, useDataDir } from "./data-dir.ts";
import { type Database, openPglite, openPostgres } from "./database.ts";
import { addDemoKey } from "./demo-key.ts";
import { permitSigners } from "./permit-signers.ts";
import { assembleFunctionEnvironment } from "./function-environment.ts";
import type { FunctionOutput } from "./function-messages.ts";
import { printWarningsAndErrors } from "./function-output.ts";
import { createFunctions, type Functions } from "./functions.ts";
import { type Gateway, listen } from "./gateway.ts";
import { assembleKeys, DEFAULT_KEY_NAME } from "./keys.ts";
import { migrate } from "./migrations.ts";
import { refusePages } from "./page-refusal.ts";
import { POSTGRES_POOL_SIZE } from "./postgres-pool.ts";
import { choosePostgrest } from "./postgrest-program.ts";
import { type Postgrest, startPostgrest } from "./postgrest.ts";
import {
  type ProjectConfig,
  readProjectConfig,
  requireProject,
} from "./project-config.ts";
import {
  createRestAndAuth,
  MAX_WAIT_MS,
  type RestAndAuth,
} from "./rest-and-auth.ts";
import { DEFAULT_PORT, defaultDataDir, PROJECT_DIR } from "./stack-defaults.ts";
import { StackError } from "./stack-error.ts";
import { openTokens, signUserToken, type UserTokenOptions } from "./tokens.ts";

/** The options of {@linkcode startStack}. */
export interface StackOptions {
  /** Default {@linkcode DEFAULT_PORT}; 0 takes a free port. */
  port?: number;
  /** Keeps the database in memory. */
  memory?: boolean;
  /** Uses this Postgres instead of PGlite. Web pages may not call the stack then. */
  databaseUrl?: string;
  /** Origins whose web pages may call a stack with a `databaseUrl`. */
  allowOrigins?: string[];
  /**
   * Serves `/rest/v1` by PostgREST, as the platform does: by this program, or by
   * the npm package's if it is "". Requires a `databaseUrl`.
   */
  postgrest?: string;
  /** The folder of PGlite's data and the signing key; default `.local` in the project. */
  dataDir?: string;
  /** The folder that holds `supabase`; default this project. */
  projectDir?: string;
  /** Further secret keys, name → `sb_secret_…`. */
  secretKeys?: Record<string, string>;
  /** Further variables for every function. */
  functionEnv?: Record<string, string>;
  /**
   * Receives the functions' output, such as the access log. The default prints
   * warnings and errors only; {@linkcode printOutput} prints all.
   */
  functionLog?: (output: FunctionOutput) => void;
}

/** A running stack. */
export interface Stack {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  /** The server of `/rest/v1`: `@supabase/lite`, or PostgREST with its version and process. */
  readonly rest: { name: string; pid?: number };
  readonly publishableKey: string;
  /** The secret key named `default`. */
  readonly secretKey: string;
  /** Every secret key by its name, `default` included. */
  readonly secretKeys: Readonly<Record<string, string>>;
  /** The demo's producer key for every log; null for a database of a server. */
  readonly producerKey: string | null;
  /** Names of the functions, sorted. */
  readonly functions: readonly string[];
  /** A token of a user, who need not exist; see {@linkcode signUserToken}. */
  signUserToken(userId: string, options?: UserTokenOptions): Promise<string>;
  /** Starts every function, so that its first request is fast and errors appear early. */
  bootFunctions(): Promise<void>;
  /** Ends the functions' workers; the next request or {@linkcode bootFunctions} loads them again. */
  stopFunctions(): void;
  /** The source folders of the functions. */
  readonly functionSources: readonly string[];
  /** Stops all services and closes the database. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a stack, which answers requests when this returns.
 *
 * @throws {StackError} after stopping the parts that had started.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const parts: StackParts = {};
  try {
    return await start(options, parts);
  } catch (error) {
    await stopParts(parts);
    throw error;
  }
}

/** The started parts, which have to be stopped. */
interface StackParts {
  gateway?: Gateway;
  functions?: Functions;
  restAndAuth?: RestAndAuth;
  postgrest?: Postgrest;
  database?: Database;
  unlock?: () => void;
}

/** Stops from the outside in, so that requests in flight can finish. */
async function stopParts(parts: StackParts): Promise<void> {
  const { gateway, functions, restAndAuth, postgrest, database, unlock } =
    parts;
  for (const name of Object.keys(parts) as (keyof StackParts)[]) {
    delete parts[name];
  }
  await gateway?.close();
  functions?.stop();
  restAndAuth?.close();
  await postgrest?.close();
  await database?.close();
  unlock?.();
}

async function start(
  options: StackOptions,
  parts: StackParts,
): Promise<Stack> {
  const projectDir = resolve(options.projectDir ?? PROJECT_DIR);
  const dataDir = options.dataDir ?? defaultDataDir(projectDir);
  const supabaseDir = await requireProject(projectDir);
  const keys = assembleKeys(options.secretKeys);
  const config = await readProjectConfig(supabaseDir);

  const gateway = parts.gateway = listen(options.port ?? DEFAULT_PORT);
  const tokens = await openTokens(dataDir, gateway.url);

  const database = await openDatabase(options, dataDir, parts);
  await migrate(database, supabaseDir, config.seedPaths);
  const producerKey = await addDemoKey(database);
  const postgrest = await openPostgrest(options, config, parts);
  const restAndAuth = parts.restAndAuth = await createRestAndAuth({
    database,
    postgrest,
    keys,
    tokens,
    url: gateway.url,
    schemas: config.schemas,
    maxRows: config.maxRows,
  });

  const functionSources = await Promise.all(
    [`${supabaseDir}/functions`, `${projectDir}/shared`].map(resolveLink),
  );
  const variables = await assembleFunctionEnvironment({
    url: gateway.url,
    keys,
    jwks: tokens.jwks,
    databaseUrl: database.url,
    supabaseDir,
    extra: options.functionEnv,
  });
  await permitSigners(database, variables);
  const functions = parts.functions = createFunctions({
    functions: config.functions,
    sources: functionSources,
    keys,
    tokens,
    log: options.functionLog ?? printWarningsAndErrors,
    env: variables,
  });
  gateway.open({
    restAndAuth,
    functions,
    refusePage: database.kind === "postgres"
      ? refusePages(gateway.url, options.allowOrigins)
      : undefined,
  });

  return {
    url: gateway.url,
    rest: {
      name: postgrest?.name ?? "@supabase/lite",
      pid: postgrest?.pid,
    },
    publishableKey: keys.publishable[DEFAULT_KEY_NAME],
    secretKey: keys.secret[DEFAULT_KEY_NAME],
    secretKeys: keys.secret,
    producerKey,
    functions: [...config.functions.keys()],
    signUserToken: (userId, tokenOptions) =>
      signUserToken(tokens, userId, tokenOptions),
    bootFunctions: functions.boot,
    stopFunctions: functions.stop,
    functionSources,
    stop: () => stopParts(parts),
  };
}

/** The folder that a path leads to, which permissions are about; the path without one. */
async function resolveLink(path: string): Promise<string> {
  return await Deno.realPath(path).catch(() => path);
}

async function openDatabase(
  { databaseUrl, memory, postgrest }: StackOptions,
  dataDir: string,
  parts: StackParts,
): Promise<Database> {
  if (databaseUrl !== undefined && memory) {
    throw new StackError(
      "Cannot use both a database URL and a database in memory; pass one of --database-url and --memory",
    );
  }
  if (postgrest !== undefined) {
    if (databaseUrl === undefined) {
      throw new StackError(
        "Cannot serve /rest/v1 by PostgREST over PGlite: expected --database-url of a PostgreSQL",
      );
    }
    // Fails before the database is opened.
    choosePostgrest(postgrest);
  }
  if (databaseUrl === undefined && !memory) {
    parts.unlock = await useDataDir(dataDir, () => lockDataDir(dataDir));
  }
  return parts.database = databaseUrl !== undefined
    ? await openPostgres(databaseUrl)
    : await openPglite(memory ? undefined : `${dataDir}/pglite`);
}

/** Starts PostgREST, after the migrations: it reads the schema at its start. */
async function openPostgrest(
  { postgrest, databaseUrl }: StackOptions,
  { schemas, maxRows }: ProjectConfig,
  parts: StackParts,
): Promise<Postgrest | undefined> {
  if (postgrest === undefined || databaseUrl === undefined) return undefined;
  return parts.postgrest = await startPostgrest({
    program: choosePostgrest(postgrest),
    databaseUrl,
    schemas,
    maxRows,
    poolSize: POSTGRES_POOL_SIZE,
    maxWaitMs: MAX_WAIT_MS,
  });
}
