/** Runs npm for the commands about packages. */
import { StackError } from "../../local/stack-error.ts";

export interface NpmOutput {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs npm in the folder of a project. */
export interface Npm {
  /** Runs npm and captures its output. */
  ask(args: string[]): Promise<NpmOutput>;
  /**
   * Runs npm with its output on the terminal.
   *
   * @throws {StackError} if npm fails.
   */
  show(args: string[]): Promise<void>;
}

/**
 * Options to write package-lock.json only; `save=false` in .npmrc prevents it in any
 * other command.
 */
export const LOCK_ONLY = ["--save", "--package-lock-only", "--ignore-scripts"];

/** Older versions drop `libc` from the lock, and some the builds of other platforms. */
const OLDEST_WRITER = [11, 19];

/** @throws {StackError} if this npm would write an incomplete package-lock.json. */
export async function requireLockWriter(npm: Npm): Promise<void> {
  const version = (await npm.ask(["--version"])).stdout.trim();
  const [major, minor] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_WRITER;
  if (
    major > oldestMajor || major === oldestMajor && minor >= oldestMinor
  ) return;
  throw new StackError(
    `npm ${version} would write package-lock.json without the builds of other platforms: expected npm ${
      OLDEST_WRITER.join(".")
    } or later; run npm install --global npm@11`,
  );
}

/** The machine's npm, run in `folder`. */
export function npmIn(folder: URL): Npm {
  const text = new TextDecoder();
  // `npm run --silent deps` would silence these too.
  const loud = ["--loglevel=error"];
  return {
    async ask(args) {
      const { code, stdout, stderr } = await new Deno.Command("npm", {
        args: [...args, ...loud],
        cwd: folder,
        stdout: "piped",
        stderr: "piped",
      }).output();
      return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
    },
    async show(args) {
      const { success } = await new Deno.Command("npm", {
        args: [...args, ...loud],
        cwd: folder,
      }).spawn().status;
      if (!success) throw new StackError(`npm ${args.join(" ")} failed`);
    },
  };
}

/** The code of npm's error, such as ERESOLVE. */
export function readErrorCode(stderr: string): string | undefined {
  return /^npm (?:error|ERR!) code (\S+)/m.exec(stderr)?.[1];
}

/** The cause of npm's error, without its usage text. */
export function summarizeError(stderr: string): string {
  const lines = stderr.split("\n")
    .map((line) => line.replace(/^npm (error|ERR!) ?/, "").trim())
    .filter((line) =>
      line !== "" && !/^(code|errno|syscall|A complete log) /.test(line)
    );
  const details = lines.filter((line) => /^(Missing|Invalid):/.test(line));
  return (details.length > 0 ? details : lines.slice(0, 1)).join("\n");
}
