import { expect } from "vitest";
import type { Stack, StackOptions } from "../../local/stack.ts";
import { RunningStack } from "./running-stack.ts";
import { spawn } from "./command.ts";

/** A line of the access log. */
// deno-lint-ignore no-explicit-any
export type Line = Record<string, any>;

/** A stack in a process of its own. */
export type SpawnedStack = {
  ledger: RunningStack;
  publishableKey: string;
  secretKeys: Record<string, string>;
  /** Signs a user's token; a negative number of seconds makes it an expired one. */
  token(user: string, expiresIn: number): Promise<string>;
  /**
   * Megabytes after garbage collection: of the whole process with its workers,
   * which varies, and of the gateway's heap.
   */
  memory(): Promise<{ process: number; heap: number }>;
  /** Stops the stack and returns all of its output; may be called again. */
  end(): Promise<string>;
};

/** Starts a stack whose memory can be measured and whose output can be read. */
export async function startSpawnedStack(
  options: StackOptions,
): Promise<SpawnedStack> {
  const command = spawn("../tests/support/stack-process.ts", [], {
    STACK_OPTIONS: JSON.stringify(options),
    DENO_V8_FLAGS: "--expose-gc",
  });
  await command.saw("ready ");
  const [, url, control] = /ready (\S+) (\S+)/.exec(command.output())!;
  const { secretKeys, publishableKey } = await (await fetch(`${control}/keys`))
    .json();
  const ledger = new RunningStack();
  ledger.stack = { url, secretKey: secretKeys.default } as Stack;
  let output: Promise<string> | undefined;
  return {
    ledger,
    publishableKey,
    secretKeys,
    token: async (user, expiresIn) => {
      const query = `user=${user}&expires_in=${expiresIn}`;
      return await (await fetch(`${control}/token?${query}`)).text();
    },
    memory: async () => {
      const { rss, heapUsed } = await (await fetch(`${control}/memory`)).json();
      return { process: rss / 1_000_000, heap: heapUsed / 1_000_000 };
    },
    end: () =>
      output ??= command.end("SIGTERM")
        .then(({ stdout, stderr }) => stdout + stderr),
  };
}

/** The lines of the access log in a stack's output. */
export function readLines(printed: string): Line[] {
  return printed.split("\n").filter((line) => line.startsWith('{"request_id":'))
    .map((line) => JSON.parse(line));
}

/** Megabytes by which the memory of an idle process and of its heap varies. */
const NOISE = { process: 150, heap: 15 };

/** Asserts that `work` leaves memory no larger than before. */
export async function expectNoGrowth(
  stack: SpawnedStack,
  work: () => Promise<unknown>,
): Promise<void> {
  const before = await stack.memory();
  await work();
  const after = await stack.memory();
  expect(after.heap).toBeLessThan(before.heap + NOISE.heap);
  expect(after.process).toBeLessThan(before.process + NOISE.process);
}
