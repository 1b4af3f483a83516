/** Updates packages one at a time; a failed step restores the files. */
import { StackError } from "../../local/stack-error.ts";
import { checkLocks, findLockFaults } from "./check-locks.ts";
import {
  LOCK_ONLY,
  type Npm,
  readErrorCode,
  requireLockWriter,
  summarizeError,
} from "./npm.ts";
import { PINNED_FILES, type PinnedFiles } from "./pinned-files.ts";

/** Errors of npm about a version, not about the network or the machine. */
const VERSION_ERRORS = ["ERESOLVE", "ETARGET", "E404"];
const LOOKUPS_AT_ONCE = 8;

const VERSION = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

/** A package with the requested version. */
export interface PackageRequest {
  name: string;
  version?: string;
}

/**
 * Parses a list such as `zod,jose@7.0.0`.
 *
 * @throws {StackError} for a package that is not in `direct`, and for a range.
 */
export function readPackageRequests(
  text: string,
  direct: Map<string, string>,
): PackageRequest[] {
  return text.split(",").map((item) => {
    const [, name, version] = /^(@?[^@]+)(?:@(.*))?$/.exec(item) ?? [];
    if (!direct.has(name)) {
      throw new StackError(
        `Cannot update ${item}: expected <package> or <package>@<version> of package.json`,
      );
    }
    if (version !== undefined && !VERSION.test(version)) {
      throw new StackError(
        `Cannot update ${item}: expected an exact version, such as ${name}@${
          direct.get(name)
        }`,
      );
    }
    return { name, version };
  });
}

/**
 * Pins the versions of `wanted` (name → version) that npm accepts, and installs them.
 * Prints one line per version.
 *
 * @returns whether anything changed.
 * @throws {StackError} if a step fails, after restoring the files.
 */
export async function updatePackages(
  files: PinnedFiles,
  npm: Npm,
  wanted: Map<string, string>,
  { transitive }: { transitive: boolean },
): Promise<boolean> {
  await requireLockWriter(npm);
  await checkLocks(files, npm);
  const before = await files.snapshot();
  try {
    for (const [name, version] of wanted) {
      const refusal = await takeDirect(files, npm, name, version);
      console.log(
        refusal
          ? `${name}@${version} is not taken: ${refusal}`
          : `${name}@${version}`,
      );
    }
    if (transitive) await takeTransitive(files, npm);
    await files.writeFunctionsLock();
    if (await files.isAsIn(before)) return false;
    await npm.show(["ci", "--ignore-scripts"]);
    await checkLocks(files, npm);
    return true;
  } catch (error) {
    await files.restore(before);
    throw new StackError(
      `${(error as Error).message}\n${
        PINNED_FILES.join(", ")
      } are restored; run npm ci to install their packages`,
    );
  }
}

/** Takes a version of a direct dependency; the reason if it cannot. */
async function takeDirect(
  files: PinnedFiles,
  npm: Npm,
  name: string,
  version: string,
): Promise<string | undefined> {
  const missing = await listUnpublished(npm, name, version);
  if (missing.length > 0) {
    return `the registry does not have ${missing.join(", ")}`;
  }
  return await attempt(
    files,
    npm,
    ["install"],
    () => files.pin(name, version),
  );
}

/** Updates transitive packages within their ranges: all at once, else one at a time. */
async function takeTransitive(files: PinnedFiles, npm: Npm): Promise<void> {
  if (await attempt(files, npm, ["update"]) === undefined) return;
  for (const name of await listOutdatedTransitive(files, npm)) {
    const refusal = await attempt(files, npm, ["update", name]);
    if (refusal) console.log(`${name} is not updated: ${refusal}`);
  }
}

/** Lets npm write the lock; the reason if it is reverted. */
async function attempt(
  files: PinnedFiles,
  npm: Npm,
  args: string[],
  prepare?: () => Promise<void>,
): Promise<string | undefined> {
  const before = await files.snapshot();
  await prepare?.();
  const { code, stderr } = await npm.ask([...args, ...LOCK_ONLY]);
  if (code !== 0 && !VERSION_ERRORS.includes(readErrorCode(stderr) ?? "")) {
    throw new StackError(
      `npm ${args.join(" ")} failed: ${summarizeError(stderr)}`,
    );
  }
  const refusal = code !== 0
    ? `npm cannot resolve it (${readErrorCode(stderr)})`
    : findLockFaults(await files.readPackageLock())
      .map((fault) => `package-lock.json then ${fault}`)[0];
  if (refusal) await files.restore(before);
  return refusal;
}

/** The platform builds of a version that the registry does not have. */
async function listUnpublished(
  npm: Npm,
  name: string,
  version: string,
): Promise<string[]> {
  const builds = await view(npm, `${name}@${version}`, "optionalDependencies");
  if (builds === undefined) return [`${name}@${version}`];
  const queue = Object.entries(builds as Record<string, string>)
    .map(([build, range]) => `${build}@${range}`);
  const missing: string[] = [];
  const work = async () => {
    for (let next; (next = queue.shift());) {
      if (await view(npm, next, "version") === undefined) missing.push(next);
    }
  };
  await Promise.all(Array.from({ length: LOOKUPS_AT_ONCE }, work));
  return missing.sort();
}

/**
 * A field of a package: {} if it is missing, undefined if the registry does not have
 * the package.
 *
 * @throws {StackError} if the registry does not answer.
 */
async function view(npm: Npm, spec: string, field: string): Promise<unknown> {
  const { code, stdout, stderr } = await npm.ask([
    "view",
    spec,
    "name",
    field,
    "--json",
  ]);
  if (code !== 0) {
    if (VERSION_ERRORS.includes(readErrorCode(stderr) ?? "")) return undefined;
    throw new StackError(`Cannot read ${spec}: ${summarizeError(stderr)}`);
  }
  if (stdout.trim() === "") return undefined;
  const [found] = [JSON.parse(stdout)].flat();
  return found?.[field] ?? {};
}

/** The transitive packages with a newer version in their range. */
export async function listOutdatedTransitive(
  files: PinnedFiles,
  npm: Npm,
): Promise<string[]> {
  const { stdout } = await npm.ask(["outdated", "--all", "--json"]);
  const direct = await files.readDirect();
  return Object.entries(
    JSON.parse(stdout || "{}") as Record<string, Outdated | Outdated[]>,
  ).filter(([name, entries]) =>
    !direct.has(name) &&
    [entries].flat().some(({ current, wanted }) =>
      current && current !== wanted
    )
  ).map(([name]) => name);
}

type Outdated = { current?: string; wanted: string };
