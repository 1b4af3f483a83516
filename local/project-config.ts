/**
 * The settings of a project's `supabase/config.toml` that the stack uses, with the
 * Supabase CLI's defaults.
 */
import { parse } from "@std/toml/parse.js";
import { StackError } from "./stack-error.ts";

/** A function, as the CLI would serve and deploy it. */
export interface FunctionConfig {
  slug: string;
  /** Absolute path of the module. */
  entrypoint: string;
  /** Whether the gateway requires a valid token or key. */
  verifyJwt: boolean;
}

/** The settings of one project. */
export interface ProjectConfig {
  functions: Map<string, FunctionConfig>;
  /** Schemas of `/rest/v1`. */
  schemas: string[];
  /** Most rows in one answer of `/rest/v1`. */
  maxRows: number;
  /** Seed files relative to the `supabase` folder; empty if seeding is disabled. */
  seedPaths: string[];
}

/** A function's name, by the Supabase CLI's rule. */
const SLUG = /^[A-Za-z][A-Za-z0-9_-]*$/;
const DEFAULT_MAX_ROWS = 1000;

interface ConfigFile {
  api?: { schemas?: string[]; max_rows?: number };
  db?: { seed?: { enabled?: boolean; sql_paths?: string[] } };
  functions?: Record<
    string,
    { enabled?: boolean; verify_jwt?: boolean; entrypoint?: string }
  >;
}

/**
 * The folder `supabase` of a project.
 *
 * @throws {StackError} if the project does not have it.
 */
export async function requireProject(projectDir: string): Promise<string> {
  const supabaseDir = `${projectDir}/supabase`;
  const info = await Deno.stat(supabaseDir).catch(() => undefined);
  if (info?.isDirectory) return supabaseDir;
  throw new StackError(
    `Cannot use the project ${projectDir}: it does not have a supabase folder; name the folder that has it with --project-dir`,
  );
}

/**
 * Reads the configuration in `supabaseDir`; the defaults if the file is missing.
 *
 * @throws {StackError} if the file is not valid TOML.
 */
export async function readProjectConfig(
  supabaseDir: string,
): Promise<ProjectConfig> {
  const file = await readConfigFile(`${supabaseDir}/config.toml`);
  const seed = file.db?.seed;
  return {
    functions: await findFunctions(supabaseDir, file.functions ?? {}),
    schemas: file.api?.schemas ?? ["public"],
    maxRows: file.api?.max_rows ?? DEFAULT_MAX_ROWS,
    seedPaths: seed?.enabled === false ? [] : seed?.sql_paths ?? ["./seed.sql"],
  };
}

async function readConfigFile(path: string): Promise<ConfigFile> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
  try {
    return parse(text) as ConfigFile;
  } catch (error) {
    throw new StackError(`Cannot read ${path}: ${(error as Error).message}`);
  }
}

/** A folder with an `index.ts` is a function, with or without a block. */
async function findFunctions(
  supabaseDir: string,
  blocks: NonNullable<ConfigFile["functions"]>,
): Promise<Map<string, FunctionConfig>> {
  const folder = `${supabaseDir}/functions`;
  const slugs = new Set([...await listFolders(folder), ...Object.keys(blocks)]);
  const functions = new Map<string, FunctionConfig>();
  for (const slug of [...slugs].sort()) {
    const block = blocks[slug] ?? {};
    if (!SLUG.test(slug) || block.enabled === false) continue;
    const entrypoint = block.entrypoint
      ? `${supabaseDir}/${block.entrypoint.replace(/^\.\//, "")}`
      : `${folder}/${slug}/index.ts`;
    // A block may precede its function.
    if (!await isFile(entrypoint)) continue;
    functions.set(slug, {
      slug,
      entrypoint,
      verifyJwt: block.verify_jwt ?? true,
    });
  }
  return functions;
}

async function listFolders(folder: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.filter((entry) => entry.isDirectory)
      .map((entry) => entry.name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
