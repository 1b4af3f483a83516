import { StackError } from "../local/stack-error.ts";
import { readFlags, runCommand } from "./command-line.ts";

/** Committed files that a command generates. */
export interface GeneratedFiles {
  /** The files as the usage text names them. */
  name: string;
  /** Their source, as the message about a stale file names it. */
  source: string;
  /** The npm script that writes them. */
  script: string;
  /** Generates the texts, by path from the project's root. */
  make: () => Promise<Record<string, string>>;
}

/**
 * Runs the command of generated files: writes them, or with `--check` fails for the
 * first stale one.
 */
export async function runGenerator(
  { name, source, script, make }: GeneratedFiles,
): Promise<void> {
  const usage = `\
Usage: npm run ${script} [-- --check]

Writes ${name} from ${source}.

  --check  write nothing; exit with 1 when a file does not match
  --help   show this text

Example: npm run ${script} -- --check`;
  await runCommand(usage, async (args) => {
    const { check } = readFlags(args, { check: { type: "boolean" } });
    for (const [path, text] of Object.entries(await make())) {
      const file = new URL(`../${path}`, import.meta.url);
      if (!check) await Deno.writeTextFile(file, text);
      else if (text !== await Deno.readTextFile(file).catch(() => "")) {
        throw new StackError(
          `${path} does not match ${source}: run npm run ${script}`,
        );
      }
    }
  });
}
