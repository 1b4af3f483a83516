/** A stack of its own for each page, and its commands in a shell. */
import { type Stack, startStack } from "../../local/stack.ts";
import type { Page } from "./pages.ts";

/** A page's commands against a stack in memory. */
export interface PageStack {
  /** Runs a command of the page and returns its output. */
  run(script: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a stack as the page wants it; the caller stops it. */
export async function startPageStack(page: Page): Promise<PageStack> {
  const functionEnv = page.text.includes("LEDGER_SIGNING_KEYS=")
    ? await makeLedgerKeys()
    : {};
  const stack = await startStack({ port: 0, memory: true, functionEnv });
  const setUp = await fillIn(page.setUp, stack);
  return {
    run: (script) => runInShell(setUp + script),
    stop: () => stack.stop(),
  };
}

/** The page's variables with this stack's URL, and with tokens of its users. */
async function fillIn(setUp: string, stack: Stack): Promise<string> {
  let script = setUp.replace("http://127.0.0.1:54321", stack.url);
  const command = /\$\(npm run -s token -- --user (\S+)\)/;
  for (let found; (found = command.exec(script)) !== null;) {
    const token = await stack.signUserToken(found[1]);
    script = script.replace(found[0], token);
  }
  return script;
}

/** Keys of a log and of a witness, which here cosigns that log. */
async function makeLedgerKeys(): Promise<Record<string, string>> {
  const [log, witness] = await Promise.all([
    makeKey("example.com/ledger"),
    makeKey("--witness", "example.org/witness"),
  ]);
  return {
    LEDGER_SIGNING_KEYS: log.secret,
    WITNESS_SIGNING_KEY: witness.secret,
    WITNESSED_LOGS: log.verifierKey,
  };
}

async function makeKey(...args: string[]) {
  const script = new URL("../../scripts/ledger-key.ts", import.meta.url);
  const printed = await run(
    Deno.execPath(),
    ["run", "-A", script.pathname, ...args],
  );
  const lines = printed.trim().split("\n");
  const secret = /^[A-Z_]+=(.+)$/m.exec(printed)![1];
  return { secret, verifierKey: lines.at(-1)! };
}

const runInShell = (script: string) => run("sh", ["-ec", script]);

async function run(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args })
    .output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  return decoder.decode(stdout);
}
