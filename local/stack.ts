/**
 * The Docker-free stack: what `supabase start` and `supabase functions serve`
 * give, in one Deno process.
 */
import { resolve } from "@std/path/resolve.js";
import { lockDataDir } from "./data-dir-lock.ts";
import { type Database, openPglite, openPostgres } from "./database.ts";
import { assembleFunctionEnvironment } from "./function-environment.ts";
import type { FunctionOutput } from "./function-messages.ts";
import { printFaults } from "./function-output.ts";
import { createFunctions, type Functions } from "./functions.ts";
import { type Gateway, listen } from "./gateway.ts";
import { assembleKeys, DEFAULT_KEY_NAME } from "./keys.ts";
import { migrate } from "./migrations.ts";
import { readProjectConfig } from "./project-config.ts";
import { createRestAndAuth } from "./rest-and-auth.ts";
import { DEFAULT_PORT, defaultDataDir, PROJECT_DIR } from "./stack-defaults.ts";
import { StackError } from "./stack-error.ts";
import { openTokens, signUserToken, type UserTokenOptions } from "./tokens.ts";

/** How to start a stack. */
export interface StackOptions {
  /** Default {@linkcode DEFAULT_PORT}; 0 takes a free port. */
  port?: number;
  /** Keeps nothing: the database lives in memory. */
  memory?: boolean;
  /** Uses this Postgres instead of PGlite. */
  databaseUrl?: string;
  /** Where PGlite's data and the signing key are kept; default `.local` in the project. */
  dataDir?: string;
  /** The folder that holds `supabase`; default this project. */
  projectDir?: string;
  /** Further secret keys, name → `sb_secret_…`. */
  secretKeys?: Record<string, string>;
  /** Further variables for every function. */
  functionEnv?: Record<string, string>;
  /**
   * Takes what the functions say, which is a line for each request. The default
   * prints faults alone; see {@linkcode printOutput} for all of it.
   */
  functionLog?: (output: FunctionOutput) => void;
}

/** A running stack. */
export interface Stack {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  readonly publishableKey: string;
  /** The secret key named `default`. */
  readonly secretKey: string;
  /** Every secret key by its name, `default` included. */
  readonly secretKeys: Readonly<Record<string, string>>;
  /** Names of the functions, sorted. */
  readonly functions: readonly string[];
  /** A token for one user, who need not exist; see {@linkcode signUserToken}. */
  signUserToken(userId: string, options?: UserTokenOptions): Promise<string>;
  /** Starts every function now, so that its first request is quick and a fault is seen early. */
  bootFunctions(): Promise<void>;
  /** Ends the functions' workers; the next request or {@linkcode bootFunctions} starts them from their files. */
  stopFunctions(): void;
  /** Folders whose files make up the functions. */
  readonly functionSources: readonly string[];
  /** Stops everything and closes the database; a second call does nothing. */
  stop(): Promise<void>;
}

/**
 * Starts a stack. It answers requests when this returns.
 *
 * @throws {StackError} with one sentence for the person who started it; nothing is left running.
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

/** What has been started, and so has to be stopped. */
interface StackParts {
  gateway?: Gateway;
  functions?: Functions;
  database?: Database;
  unlock?: () => void;
}

/** From the outside in, so that a request on its way still finds what it needs. */
async function stopParts(parts: StackParts): Promise<void> {
  const { gateway, functions, database, unlock } = parts;
  for (const name of Object.keys(parts) as (keyof StackParts)[]) {
    delete parts[name];
  }
  await gateway?.close();
  functions?.stop();
  await database?.close();
  unlock?.();
}

async function start(
  options: StackOptions,
  parts: StackParts,
): Promise<Stack> {
  const projectDir = resolve(options.projectDir ?? PROJECT_DIR);
  const dataDir = options.dataDir ?? defaultDataDir(projectDir);
  const supabaseDir = `${projectDir}/supabase`;
  const keys = assembleKeys(options.secretKeys);
  const config = await readProjectConfig(supabaseDir);

  const gateway = parts.gateway = listen(options.port ?? DEFAULT_PORT);
  const tokens = await openTokens(dataDir, gateway.url);

  const database = await openDatabase(options, dataDir, parts);
  await migrate(database, supabaseDir, config.seedPaths);
  const restAndAuth = await createRestAndAuth({
    database,
    keys,
    tokens,
    url: gateway.url,
    schemas: config.schemas,
    maxRows: config.maxRows,
  });

  const functions = parts.functions = createFunctions({
    functions: config.functions,
    keys,
    tokens,
    log: options.functionLog ?? printFaults,
    env: await assembleFunctionEnvironment({
      url: gateway.url,
      keys,
      jwks: tokens.jwks,
      databaseUrl: database.url,
      supabaseDir,
      extra: options.functionEnv,
    }),
  });
  gateway.open({ restAndAuth, functions });

  return {
    url: gateway.url,
    publishableKey: keys.publishable[DEFAULT_KEY_NAME],
    secretKey: keys.secret[DEFAULT_KEY_NAME],
    secretKeys: keys.secret,
    functions: [...config.functions.keys()],
    signUserToken: (userId, tokenOptions) =>
      signUserToken(tokens, userId, tokenOptions),
    bootFunctions: functions.boot,
    stopFunctions: functions.stop,
    functionSources: [`${supabaseDir}/functions`, `${projectDir}/shared`],
    stop: () => stopParts(parts),
  };
}

async function openDatabase(
  { databaseUrl, memory }: StackOptions,
  dataDir: string,
  parts: StackParts,
): Promise<Database> {
  if (databaseUrl !== undefined && memory) {
    throw new StackError(
      "Cannot use both a database URL and a database in memory: choose one",
    );
  }
  if (databaseUrl === undefined && !memory) {
    parts.unlock = await lockDataDir(dataDir);
  }
  return parts.database = databaseUrl !== undefined
    ? await openPostgres(databaseUrl)
    : await openPglite(memory ? undefined : `${dataDir}/pglite`);
}
