import { READ_TIMEOUT_MS } from "../limits.ts";
import {
  callFunction,
  type ProducerKey,
  SERVICE_CALLER,
  StoreError,
} from "./call-function.ts";
import type { Environment } from "./environment.ts";

/** Reads the active producer key with this SHA-256 hash, in hex; null without one. */
export async function findProducerKey(
  env: Environment,
  hash: string,
): Promise<ProducerKey | null> {
  const found = await callFunction(
    { caller: SERVICE_CALLER, env },
    "find_producer_key",
    { hash },
    READ_TIMEOUT_MS,
  );
  const isGenuine = found === null ||
    (Array.isArray(Object(found).logs) && typeof Object(found).id === "string");
  if (isGenuine) return found as ProducerKey | null;
  throw new StoreError({ message: "the answer is not a producer key" }, 0);
}
