/** What the commands of this folder share: flags, help, and how they fail. */
import { parseArgs } from "node:util";
import { StackError } from "../local/stack-error.ts";

/** A command's flags: name → whether it takes a value, stands alone, or may do either. */
export type Flags = Record<
  string,
  { type: "string" | "boolean" | "string, or alone" }
>;

/** The flags that were given; what may stand alone and does is "". */
export type FlagValues<F extends Flags> = {
  [Name in keyof F]?: F[Name]["type"] extends "boolean" ? boolean : string;
};

/**
 * Reads `args`, which may hold nothing but `flags`.
 *
 * @throws {StackError} that names the argument and the flags there are.
 */
export function readFlags<F extends Flags>(
  args: string[],
  flags: F,
): FlagValues<F> {
  // parseArgs knows no value that may be left out.
  const alone = Object.keys(flags)
    .filter((name) => flags[name].type === "string, or alone")
    .map((name) => `--${name}`);
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { type }]) => [
      name,
      { type: type === "boolean" ? type : "string" as const },
    ]),
  );
  try {
    return parseArgs({
      args: args.map((arg) => alone.includes(arg) ? `${arg}=` : arg),
      options,
      strict: true,
    }).values as FlagValues<F>;
  } catch (error) {
    const [problem] = (error as Error).message.split(/\.\s|\n/);
    const known = Object.keys(flags).map((name) => `--${name}`).join(", ");
    throw new StackError(`${problem}; expected one of ${known}`);
  }
}

/**
 * The port in `text`, or undefined without one.
 *
 * @throws {StackError} when it is not a port.
 */
export function readPort(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const port = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(port <= 65_535)) {
    throw new StackError(
      `Cannot use port ${
        JSON.stringify(text)
      }: expected a number from 0 to 65535`,
    );
  }
  return port;
}

/** Whether a command is asked what it does, and then prints `usage`. */
export function printUsage(args: string[], usage: string): boolean {
  const isAsked = args.includes("--help") || args.includes("-h");
  if (isAsked) console.log(usage);
  return isAsked;
}

/**
 * Runs a command: with `--help` it prints `usage` alone; a {@linkcode StackError} ends
 * it with its sentence and exit code 1.
 */
export async function runCommand(
  usage: string,
  command: (args: string[]) => Promise<void>,
): Promise<void> {
  if (printUsage(Deno.args, usage)) return;
  try {
    await command(Deno.args);
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}
