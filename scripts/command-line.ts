/** Flags, help and errors of the commands. */
import { GATEWAY_HOSTNAME } from "../local/gateway.ts";
import { DEFAULT_PORT } from "../local/stack-defaults.ts";
import { StackError } from "../local/stack-error.ts";
import { type Options, parseArguments } from "./arguments.ts";

/** The flags of a command: whether they take a value, no value, or an optional value. */
export type Flags = Record<
  string,
  { type: "string" | "boolean" | "optional string" }
>;

/** The values of flags; an optional value is "" if it is omitted. */
export type FlagValues<F extends Flags> = {
  [Name in keyof F]?: F[Name]["type"] extends "boolean" ? boolean : string;
};

/**
 * Parses `args`, which may contain `flags` only, each once.
 *
 * @throws {StackError} that names the argument and the remedy.
 */
export function readFlags<F extends Flags>(
  args: string[],
  flags: F,
): FlagValues<F> {
  return readArguments(args, flags, 0).flags;
}

/**
 * Parses `args`, which may contain `flags`, each once, and at most `maxPositionals` other
 * arguments, in any order.
 *
 * @throws {StackError} that names the argument and the remedy.
 */
export function readArguments<F extends Flags>(
  args: string[],
  flags: F,
  maxPositionals: number,
): { flags: FlagValues<F>; positionals: string[] } {
  // parseArgs does not support optional values.
  const optional = Object.keys(flags)
    .filter((name) => flags[name].type === "optional string")
    .map((name) => `--${name}`);
  const options: Options = Object.fromEntries(
    Object.entries(flags).map(([name, { type }]) => [
      name,
      { type: type === "boolean" ? type : "string" },
    ]),
  );
  const { values, positionals } = parseArguments(
    args.map((arg) => optional.includes(arg) ? `${arg}=` : arg),
    options,
    { maxPositionals, Refusal: StackError },
  );
  return { flags: values as FlagValues<F>, positionals };
}

/**
 * The port in `text`; undefined for an empty or missing text.
 *
 * @throws {StackError} if it is not a port.
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

/**
 * The origin of the http or https URL `text`; that of the local stack without a text.
 *
 * @throws {StackError} with `example`, if it is not such a URL.
 */
export function readOrigin(text: string | undefined, example: string): string {
  if (text === undefined) {
    const port = readPort(Deno.env.get("PORT")) ?? DEFAULT_PORT;
    return `http://${GATEWAY_HOSTNAME}:${port}`;
  }
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new StackError(
      `Cannot use the URL ${
        JSON.stringify(text)
      }: expected one like ${example}`,
    );
  }
  return url.origin;
}

/** Prints `usage` if the arguments ask for help; whether they do. */
export function printUsage(args: string[], usage: string): boolean {
  const isAsked = args.includes("--help") || args.includes("-h");
  if (isAsked) console.log(usage);
  return isAsked;
}

/**
 * Runs a command. `--help` prints `usage`; a {@linkcode StackError} prints its message
 * and exits with code 1.
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
