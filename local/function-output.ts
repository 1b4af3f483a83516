/** What becomes of the output of the functions. */
import type { FunctionOutput } from "./function-messages.ts";

/** Prints everything, on the stream that the function chose. */
export function printOutput({ level, text }: FunctionOutput): void {
  console[level](text);
}

/** Prints warnings and errors alone. */
export function printFaults(output: FunctionOutput): void {
  if (output.level === "warn" || output.level === "error") printOutput(output);
}
