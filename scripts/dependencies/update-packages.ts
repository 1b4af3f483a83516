/** Updates packages one at a time, and leaves the files alone where that fails. */
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

/** Failures that a version brings, unlike those of the network or the machine. */
const REFUSALS = ["ERESOLVE", "ETARGET", "E404"];
const LOOKUPS_AT_ONCE = 8;

const VERSION = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

/** A package, and the version that was asked for. */
export interface PackageRequest {
  name: string;
  version?: string;
}

/**
 * Reads `zod,jose@7.0.0`.
 *
 * @throws {StackError} for what is not in `direct`, and for a range.
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
 * Pins what can be taken of `wanted`, name → version, and installs it. Says in one
 * line what cannot be taken.
 *
 * @returns whether anything changed.
 * @throws {StackError} when a step fails; the files are then as they were.
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
      } are as they were before the update; npm ci installs their packages`,
    );
  }
}

/** Why it is not taken, or undefined. */
async function takeDirect(
  files: PinnedFiles,
  npm: Npm,
  name: string,
  version: string,
): Promise<string | undefined> {
  const missing = await listUnpublished(npm, name, version);
  if (missing.length > 0) {
    return `the registry has no ${missing.join(", no ")}`;
  }
  return await attempt(
    files,
    npm,
    ["install"],
    () => files.pin(name, version),
  );
}

/** Takes what is newer in the ranges: all together, or else one at a time. */
async function takeTransitive(files: PinnedFiles, npm: Npm): Promise<void> {
  if (await attempt(files, npm, ["update"]) === undefined) return;
  for (const name of await listOutdatedTransitive(files, npm)) {
    const refusal = await attempt(files, npm, ["update", name]);
    if (refusal) console.log(`${name} is not updated: ${refusal}`);
  }
}

/** Lets npm write the lock; why that is taken back, or undefined. */
async function attempt(
  files: PinnedFiles,
  npm: Npm,
  args: string[],
  prepare?: () => Promise<void>,
): Promise<string | undefined> {
  const before = await files.snapshot();
  await prepare?.();
  const { code, stderr } = await npm.ask([...args, ...LOCK_ONLY]);
  if (code !== 0 && !REFUSALS.includes(readErrorCode(stderr) ?? "")) {
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

/** The builds that a version names and that the registry does not have. */
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
 * A field of a package, {} where it has none, or undefined where the registry does
 * not have the package.
 *
 * @throws {StackError} when the registry does not answer.
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
    if (REFUSALS.includes(readErrorCode(stderr) ?? "")) return undefined;
    throw new StackError(`Cannot read ${spec}: ${summarizeError(stderr)}`);
  }
  if (stdout.trim() === "") return undefined;
  const [found] = [JSON.parse(stdout)].flat();
  return found?.[field] ?? {};
}

/** The packages that have a newer version in their range, without direct ones. */
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
