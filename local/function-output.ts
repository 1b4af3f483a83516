/** Prints the output of functions. */
import type { FunctionOutput } from "./function-messages.ts";

let queued: FunctionOutput[] = [];

/**
 * Prints all output, in order, on the stream that the function chose. Printing is
 * deferred, because it is synchronous and functions mostly print just before they
 * answer.
 */
export function printOutput(output: FunctionOutput): void {
  if (queued.push(output) === 1) setTimeout(flush, 0);
}

/** Prints only warnings and errors. */
export function printWarningsAndErrors(output: FunctionOutput): void {
  if (output.level === "warn" || output.level === "error") printOutput(output);
}

function flush(): void {
  const outputs = queued;
  queued = [];
  for (const { level, text } of outputs) console[level](text);
}

globalThis.addEventListener("unload", flush);
