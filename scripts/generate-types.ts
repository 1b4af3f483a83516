/**
 * Writes shared/database.types.ts from the migrations: applies them to a
 * PostgreSQL of its own and has the Supabase CLI read the types off it. With
 * `--check` it writes nothing and exits with 1 when the file is stale.
 */
import {
  createDatabase,
  installSupabaseRoles,
  startPostgres,
} from "../local/postgres.ts";
import { runSupabase } from "./supabase-cli.ts";

const TYPES_FILE = new URL(
  "../shared/database.types.ts",
  import.meta.url,
);
const HEADER =
  "// Made from the migrations by scripts/generate-types.ts; not to be edited.\n";

/** The types of the schema `public` after every migration, formatted. */
export async function generateTypes(): Promise<string> {
  const server = await startPostgres({ settings: { fsync: "off" } });
  try {
    const url = await createDatabase(server);
    await installSupabaseRoles(url);
    await succeed("db", "push", `--remote=${url}`, "--yes");
    const types = await succeed(
      "gen",
      "types",
      `--remote=${url}`,
      "--schema=public",
      // Keeps what the CLI has to say off the output; the types are not JSON.
      "--output-format=json",
    );
    // deno fmt breaks the lines of this file in one pass and joins some again in the next.
    return await format(await format(HEADER + types));
  } finally {
    await server.stop();
  }
}

async function succeed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runSupabase(args);
  if (code !== 0) {
    throw new Error(
      `supabase ${args.slice(0, 2).join(" ")} failed: ${
        (stderr + stdout).trim()
      }`,
    );
  }
  return stdout;
}

async function format(source: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", "ts", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(source));
  await writer.close();
  const { success, stdout } = await child.output();
  if (!success) throw new Error("deno fmt could not format the types");
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) {
  const types = await generateTypes();
  if (!Deno.args.includes("--check")) {
    await Deno.writeTextFile(TYPES_FILE, types);
  } else if (types !== await Deno.readTextFile(TYPES_FILE).catch(() => "")) {
    console.error(
      "shared/database.types.ts does not match the migrations: run npm run types",
    );
    Deno.exit(1);
  }
}
