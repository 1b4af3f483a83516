import { expect } from "vitest";
import type { Stack, StackOptions } from "../../local/stack.ts";
import { RunningStack } from "../support/running-stack.ts";
import { spawn } from "../support/command.ts";

/** A line of a request in a function's log. */
// deno-lint-ignore no-explicit-any
export type Line = Record<string, any>;

/** A stack in a process of its own. */
export type LoadedStack = {
  ledger: RunningStack;
  publishableKey: string;
  secretKeys: Record<string, string>;
  /** A token of a user; one that has expired with a negative number of seconds. */
  token(user: string, expiresIn: number): Promise<string>;
  /**
   * Megabytes after a collection: those of the whole process, workers included,
   * which vary, and those that the gateway's own objects take.
   */
  memory(): Promise<{ process: number; heap: number }>;
  /** Stops the stack and returns everything that it ever printed. */
  end(): Promise<string>;
};

/** Starts a stack whose memory can be measured and whose output can be read. */
export async function startLoadedStack(
  options: StackOptions,
): Promise<LoadedStack> {
  const command = spawn("../tests/load/stack-process.ts", [], {
    STACK_OPTIONS: JSON.stringify(options),
    DENO_V8_FLAGS: "--expose-gc",
  });
  await command.saw("ready ");
  const [, url, control] = /ready (\S+) (\S+)/.exec(command.output())!;
  const { secretKeys, publishableKey } = await (await fetch(`${control}/keys`))
    .json();
  const ledger = new RunningStack();
  ledger.stack = { url, secretKey: secretKeys.default } as Stack;
  let ended: Promise<string> | undefined;
  const end = async () => {
    const { stdout, stderr } = await command.end("SIGTERM");
    return stdout + stderr;
  };
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
    end: () => ended ??= end(),
  };
}

/** The lines of requests in what a stack printed. */
export function readLines(printed: string): Line[] {
  return printed.split("\n").filter((line) => line.startsWith('{"request_id":'))
    .map((line) => JSON.parse(line));
}

/** Megabytes by which the memory of a process varies by itself, and a heap. */
const NOISE = { process: 150, heap: 15 };

/** Does `work`, after which no more memory may be taken than before. */
export async function expectNoGrowth(
  stack: LoadedStack,
  work: () => Promise<unknown>,
): Promise<void> {
  const before = await stack.memory();
  await work();
  const after = await stack.memory();
  expect(after.heap).toBeLessThan(before.heap + NOISE.heap);
  expect(after.process).toBeLessThan(before.process + NOISE.process);
}
