const ROOT = new URL("../", import.meta.url);

/** The exit code and the output of a run. */
export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs the Supabase CLI of this project in the project's folder, such as
 * `["db", "push", "--db-url=postgresql://…", "--yes"]`, which needs neither Docker nor
 * the network. Telemetry is off, and the CLI's settings are in a temporary folder. `env`
 * adds variables.
 */
export async function runSupabase(
  args: string[],
  env: Record<string, string> = {},
): Promise<CliResult> {
  const home = await Deno.makeTempDir({ prefix: "ledger-functions-cli-" });
  try {
    const { code, stdout, stderr } = await new Deno.Command(
      new URL("node_modules/.bin/supabase", ROOT).pathname,
      {
        args,
        cwd: ROOT,
        // PGHOST and similar variables would change the connection.
        clearEnv: true,
        env: {
          PATH: Deno.env.get("PATH") ?? "",
          HOME: home,
          DO_NOT_TRACK: "1",
          SUPABASE_TELEMETRY_DISABLED: "1",
          ...env,
        },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      },
    ).output();
    const text = new TextDecoder();
    return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}
