/** npm, as far as the commands about packages use it. */
import { StackError } from "../../local/stack-error.ts";

export interface NpmOutput {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs npm in the folder of a project. */
export interface Npm {
  /** Runs it unseen. */
  ask(args: string[]): Promise<NpmOutput>;
  /**
   * Runs it with its output on the screen.
   *
   * @throws {StackError} when it fails.
   */
  show(args: string[]): Promise<void>;
}

/**
 * Writes package-lock.json alone, which `save=false` in .npmrc keeps any other
 * command from.
 */
export const LOCK_ONLY = ["--save", "--package-lock-only", "--ignore-scripts"];

/** Older ones drop `libc` from the lock, and some the builds for other platforms. */
const OLDEST_WRITER = [11, 19];

/** @throws {StackError} when this npm would write an incomplete package-lock.json. */
export async function requireLockWriter(npm: Npm): Promise<void> {
  const version = (await npm.ask(["--version"])).stdout.trim();
  const [major, minor] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_WRITER;
  if (
    major > oldestMajor || major === oldestMajor && minor >= oldestMinor
  ) return;
  throw new StackError(
    `npm ${version} would write package-lock.json without what other platforms need: expected npm ${
      OLDEST_WRITER.join(".")
    } or later; run npm install --global npm@11`,
  );
}

/** The npm of the machine, run in `folder`. */
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

/** The code that npm failed with, such as ERESOLVE. */
export function readErrorCode(stderr: string): string | undefined {
  return /^npm (?:error|ERR!) code (\S+)/m.exec(stderr)?.[1];
}

/** What npm says went wrong, without its usage. */
export function summarizeError(stderr: string): string {
  const lines = stderr.split("\n")
    .map((line) => line.replace(/^npm (error|ERR!) ?/, "").trim())
    .filter((line) =>
      line !== "" && !/^(code|errno|syscall|A complete log) /.test(line)
    );
  const told = lines.filter((line) => /^(Missing|Invalid):/.test(line));
  return (told.length > 0 ? told : lines.slice(0, 1)).join("\n");
}
