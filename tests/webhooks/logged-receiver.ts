import { SECRET_KEY } from "../../local/keys.ts";
import type { Stack } from "../../local/stack.ts";
import { RunningStack } from "../support/running-stack.ts";
import { spawn } from "../support/command.ts";

/** A stack in a process of its own. */
export type LoggedReceiver = {
  ledger: RunningStack;
  /** Stops the stack and returns everything that it ever printed; may be called again. */
  end: () => Promise<string>;
};

/** Starts a stack whose output can be read; its tokens cannot be signed here. */
export async function startLoggedReceiver(
  functionEnv: Record<string, string>,
  databaseUrl = "",
): Promise<LoggedReceiver> {
  const command = spawn("../tests/webhooks/logged-stack.ts", [], {
    FUNCTION_ENV: JSON.stringify(functionEnv),
    DATABASE_URL: databaseUrl,
  });
  await command.saw("ready ");
  const [, url] = /ready (\S+)/.exec(command.output())!;
  const ledger = new RunningStack();
  ledger.stack = { url, secretKey: SECRET_KEY } as Stack;
  let ended: Promise<string> | undefined;
  const end = async () => {
    const { stdout, stderr } = await command.end("SIGTERM");
    return stdout + stderr;
  };
  return { ledger, end: () => ended ??= end() };
}

/** The lines of requests. */
export const readLog = (printed: string) =>
  printed.split("\n").filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
