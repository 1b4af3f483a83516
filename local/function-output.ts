/** What becomes of the output of the functions. */
import type { FunctionOutput } from "./function-messages.ts";

let held: FunctionOutput[] = [];

/**
 * Prints everything, in order, on the stream that the function chose; but a moment
 * later, because what is printed is waited for, and a function mostly prints just
 * before it answers.
 */
export function printOutput(output: FunctionOutput): void {
  if (held.push(output) === 1) setTimeout(printHeld, 0);
}

/** Prints warnings and errors alone. */
export function printWarningsAndErrors(output: FunctionOutput): void {
  if (output.level === "warn" || output.level === "error") printOutput(output);
}

function printHeld(): void {
  const outputs = held;
  held = [];
  for (const { level, text } of outputs) console[level](text);
}

globalThis.addEventListener("unload", printHeld);
