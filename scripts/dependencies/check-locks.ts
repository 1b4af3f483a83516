/** Checks and writes the locks. */
import { StackError } from "../../local/stack-error.ts";
import { LOCK_REMEDY, type PackageLock } from "./functions-lock.ts";
import {
  LOCK_ONLY,
  type Npm,
  requireLockWriter,
  summarizeError,
} from "./npm.ts";
import { FUNCTIONS_LOCK, type PinnedFiles } from "./pinned-files.ts";

/**
 * Checks that the locks are complete and agree with package.json and deno.json.
 *
 * @throws {StackError} with the disagreement and the remedy.
 */
export async function checkLocks(files: PinnedFiles, npm: Npm): Promise<void> {
  const faults = findLockFaults(await files.readPackageLock());
  if (faults.length > 0) {
    throw new StackError(
      `package-lock.json ${faults.join(", ")}: ${LOCK_REMEDY}`,
    );
  }
  // The dry run compares package.json with the lock, and installs nothing.
  const { code, stderr } = await npm.ask([
    "ci",
    "--dry-run",
    "--ignore-scripts",
  ]);
  if (code !== 0) {
    throw new StackError(
      `package-lock.json does not match package.json: ${LOCK_REMEDY}\n${
        summarizeError(stderr)
      }`,
    );
  }
  const expected = await files.makeFunctionsLock();
  const found = await files.read(FUNCTIONS_LOCK);
  if (found !== expected) {
    const fault = found === undefined
      ? "is missing"
      : "does not match package-lock.json";
    throw new StackError(`${FUNCTIONS_LOCK} ${fault}: ${LOCK_REMEDY}`);
  }
}

/**
 * The faults of package-lock.json on any platform: "has no integrity for a", "lacks b
 * (a depends on it)".
 */
export function findLockFaults({ packages }: PackageLock): string[] {
  return Object.entries(packages).flatMap(([path, entry]) => {
    const name = path.slice(path.lastIndexOf("node_modules/") + 13);
    const { integrity, dependencies, optionalDependencies } = entry;
    const lacksIntegrity = path !== "" && !integrity?.startsWith("sha512-");
    return [
      ...lacksIntegrity ? [`has no integrity for ${name}`] : [],
      ...Object.keys({ ...dependencies, ...optionalDependencies })
        .filter((needed) => !isFound(packages, path, needed))
        .map((needed) => `lacks ${needed} (${name} depends on it)`),
    ];
  });
}

/** Whether Node resolves `name` from the package at `path`. */
function isFound(
  packages: PackageLock["packages"],
  path: string,
  name: string,
): boolean {
  const parts = path.split("/node_modules/");
  return `node_modules/${name}` in packages || parts.some((_, index) => {
    const folder = parts.slice(0, index + 1).join("/node_modules/");
    return `${folder}/node_modules/${name}` in packages;
  });
}

/**
 * Writes both locks, or neither.
 *
 * @throws {StackError} if the lock that npm wrote is incomplete.
 */
export async function writeLocks(files: PinnedFiles, npm: Npm): Promise<void> {
  await requireLockWriter(npm);
  const before = await files.snapshot();
  try {
    await dropEntriesWithoutIntegrity(files);
    await npm.show(["install", ...LOCK_ONLY]);
    const faults = findLockFaults(await files.readPackageLock());
    if (faults.length > 0) {
      throw new StackError(
        `npm wrote a package-lock.json that ${
          faults.join(", ")
        }: try again when the registry has them`,
      );
    }
    await files.writeFunctionsLock();
  } catch (error) {
    await files.restore(before);
    throw error;
  }
}

/** npm keeps an entry without integrity, and resolves a missing one. */
async function dropEntriesWithoutIntegrity(files: PinnedFiles): Promise<void> {
  if (await files.read("package-lock.json") === undefined) return;
  const lock = await files.readPackageLock();
  const complete = Object.entries(lock.packages)
    .filter(([path, { integrity }]) => path === "" || integrity);
  if (complete.length === Object.keys(lock.packages).length) return;
  await files.write(
    "package-lock.json",
    JSON.stringify(
      { ...lock, packages: Object.fromEntries(complete) },
      null,
      2,
    ) +
      "\n",
  );
}
