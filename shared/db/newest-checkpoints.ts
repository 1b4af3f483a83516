import { READ_TIMEOUT_MS } from "../limits.ts";
import { callFunction, SERVICE_CALLER } from "./call-function.ts";
import type { Environment } from "./environment.ts";

/**
 * Reads the notes of the newest checkpoints, oldest first. Unlike `readState`, it does
 * not count leaves.
 */
export async function readNewestCheckpoints(
  env: Environment,
  maxCheckpoints: number,
): Promise<string[]> {
  const session = { caller: SERVICE_CALLER, env };
  const parameters = { max_checkpoints: maxCheckpoints };
  const name = "read_ledger_checkpoints";
  return await callFunction(
    session,
    name,
    parameters,
    READ_TIMEOUT_MS,
  ) as string[];
}
