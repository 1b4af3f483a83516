import { expect } from "vitest";

/** Runs the project's commands in processes of their own. */

/** How a command ended. */
export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** A command that is running. */
export interface RunningCommand {
  readonly pid: number;
  /** Its stdout until now. */
  output(): string;
  /** Resolves when stdout has this text; rejects with all output if the command ends first. */
  saw(text: string): Promise<void>;
  /** Sends the signal and waits for the end. */
  end(signal: Deno.Signal): Promise<CommandResult>;
  /** Waits for the end. */
  result: Promise<CommandResult>;
}

const root = new URL("../..", import.meta.url).pathname;

const commands = Object.values<string>(
  JSON.parse(Deno.readTextFileSync(`${root}/package.json`)).scripts,
);

/** The permission flags with which package.json runs a script; all without a command. */
function permissionsOf(script: string): string[] {
  const line = commands.find((line) => line.endsWith(` scripts/${script}`));
  return line?.match(/ -\S+/g)?.map((flag) => flag.trim()) ??
    (line ? [] : ["-A"]);
}

/**
 * Starts `scripts/<script>` with the permissions of its command, in a project's folder
 * and without this process's settings.
 */
export function spawn(
  script: string,
  args: string[],
  env: Record<string, string> = {},
  dir = root,
): RunningCommand {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      ...permissionsOf(script),
      `scripts/${script}`,
      ...args,
    ],
    cwd: dir,
    env: { PORT: "0", LOCAL_SECRET_KEYS: "", NO_COLOR: "1", ...env },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const printed = { stdout: "", stderr: "" };
  const watchers = new Set<() => void>();
  const collect = async (name: keyof typeof printed) => {
    for await (const text of child[name].pipeThrough(new TextDecoderStream())) {
      printed[name] += text;
      watchers.forEach((watcher) => watcher());
    }
  };
  const result = Promise.all([
    child.status,
    collect("stdout"),
    collect("stderr"),
  ]).then(([{ code }]) => ({ code, ...printed }));
  const saw = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const watcher = () => {
        if (!printed.stdout.includes(text)) return;
        watchers.delete(watcher);
        resolve();
      };
      watchers.add(watcher);
      watcher();
      result.then((end) =>
        reject(new Error(`never printed ${text}: ${JSON.stringify(end)}`))
      );
    });
  return {
    pid: child.pid,
    output: () => printed.stdout,
    saw,
    result,
    end(signal) {
      child.kill(signal);
      return result;
    },
  };
}

/** Runs a command to its end. */
export function run(
  script: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<CommandResult> {
  return spawn(script, args, env).result;
}

/** The result of a command that fails with one sentence on stderr. */
export const failure = (sentence: string | RegExp, code = 1) => ({
  code,
  stdout: "",
  stderr: typeof sentence === "string"
    ? `${sentence}\n`
    : expect.stringMatching(sentence),
});
