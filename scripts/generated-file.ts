import { readFlags, runCommand } from "./command-line.ts";
import { StackError } from "../local/stack-error.ts";

/** A committed file that a command writes from other files. */
export interface GeneratedFile {
  /** Its path from the project's root. */
  path: string;
  /** What it is made from, as the message about a stale file names it. */
  source: string;
  /** The npm script that writes it. */
  script: string;
  /** The text as it should be. */
  make: () => Promise<string>;
}

/**
 * Runs the command of a generated file: writes it, or with `--check` fails where it
 * does not match its source.
 */
export async function runGenerator(
  { path, source, script, make }: GeneratedFile,
): Promise<void> {
  const usage = `\
Usage: npm run ${script} [-- --check]

Writes ${path} from ${source}.

  --check  write nothing; exit with 1 when the file does not match
  --help   show this text

Example: npm run ${script} -- --check`;
  await runCommand(usage, async (args) => {
    const { check } = readFlags(args, { check: { type: "boolean" } });
    const file = new URL(`../${path}`, import.meta.url);
    const text = await make();
    if (!check) return await Deno.writeTextFile(file, text);
    if (text !== await Deno.readTextFile(file).catch(() => "")) {
      throw new StackError(
        `${path} does not match ${source}: run npm run ${script}`,
      );
    }
  });
}
