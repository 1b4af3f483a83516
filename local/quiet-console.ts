/**
 * Lite prints every statement that fails, values included, though the caller
 * gets the error anyway. Work done inside {@linkcode quietly} prints nothing.
 */
import { AsyncLocalStorage } from "node:async_hooks";

const quiet = new AsyncLocalStorage<true>();
const METHODS = ["debug", "error", "info", "log", "warn"] as const;
let installed = false;

/** Runs `work` with the console silenced for it and all that it starts. */
export function quietly<Result>(work: () => Result): Result {
  if (!installed) install();
  return quiet.run(true, work);
}

function install(): void {
  installed = true;
  for (const method of METHODS) {
    const print = console[method];
    console[method] = (...values: unknown[]) => {
      if (!quiet.getStore()) print.apply(console, values);
    };
  }
}
