/**
 * The general rules for arguments of commands. It imports only Node's built-in modules,
 * so that the verifier's kit can contain it.
 */
import { parseArgs } from "node:util";

/** The options of a command, by name. */
export type Options = Record<
  string,
  { type: "string" | "boolean"; multiple?: boolean }
>;

type Value<O extends Options[string]> = O["type"] extends "boolean" ? boolean
  : string;

/** The values of options, by name. */
export type OptionValues<O extends Options> = {
  [Name in keyof O]?: O[Name]["multiple"] extends true ? Value<O[Name]>[]
    : Value<O[Name]>;
};

/** How a command takes its arguments. */
export interface ArgumentRules {
  /** Most arguments that are not options; default 0. */
  maxPositionals?: number;
  /** The error for an argument that the command refuses. */
  Refusal: new (message: string) => Error;
}

/**
 * Parses `args`, which may contain `options`, each once unless it is `multiple`.
 *
 * @throws a `Refusal` that names the argument and the remedy. It does not repeat values
 *   of options, because they may be secret.
 */
export function parseArguments<O extends Options>(
  args: string[],
  options: O,
  { maxPositionals = 0, Refusal }: ArgumentRules,
): { values: OptionValues<O>; positionals: string[] } {
  // Its strict mode accepts repeated options, and its messages have several sentences.
  const { tokens, values, positionals } = parseArgs({
    args,
    options,
    strict: false,
    tokens: true,
  });
  const known = Object.keys(options).map((name) => `--${name}`).join(", ");
  const expected = known === ""
    ? "expected no arguments"
    : `expected one of ${known}`;
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const { name, rawName, value, inlineValue } = token;
    if (!Object.hasOwn(options, name) || !rawName.startsWith("--")) {
      throw new Refusal(`Unknown option '${rawName}'; ${expected}`);
    }
    const { type, multiple } = options[name];
    if (type === "boolean" && value !== undefined) {
      throw new Refusal(`Option '${rawName}' does not take a value; omit it`);
    }
    if (type === "string" && value === undefined) {
      throw new Refusal(
        `Option '${rawName}' lacks its value; pass ${rawName} <value>`,
      );
    }
    if (!inlineValue && value !== undefined && /^-./.test(value)) {
      throw new Refusal(
        `Option '${rawName}' lacks its value, or the value begins with a dash; pass ${rawName}=<value>`,
      );
    }
    if (seen.has(name) && !multiple) {
      throw new Refusal(`Option '${rawName}' is given twice; pass it once`);
    }
    seen.add(name);
  }
  if (positionals.length > maxPositionals) {
    throw new Refusal(
      `Unexpected argument '${positionals[maxPositionals]}'; ${expected}`,
    );
  }
  return { values: values as OptionValues<O>, positionals };
}
