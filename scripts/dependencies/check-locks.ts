/** Whether the locks are complete and agree with package.json and deno.json. */
import { StackError } from "../../local/stack-error.ts";
import { LOCK_REMEDY, type PackageLock } from "./functions-lock.ts";
import {
  LOCK_ONLY,
  type Npm,
  requireLockWriter,
  summarizeError,
} from "./npm.ts";
import { FUNCTIONS_LOCK, type PinnedFiles } from "./pinned-files.ts";

/** @throws {StackError} that names what disagrees and the command that mends it. */
export async function checkLocks(files: PinnedFiles, npm: Npm): Promise<void> {
  const faults = findLockFaults(await files.readPackageLock());
  if (faults.length > 0) {
    throw new StackError(
      `package-lock.json ${faults.join(", ")}: ${LOCK_REMEDY}`,
    );
  }
  // npm itself compares package.json with the lock, and installs nothing here.
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
  const wanted = await files.makeFunctionsLock();
  const found = await files.read(FUNCTIONS_LOCK);
  if (found !== wanted) {
    const fault = found === undefined
      ? "is missing"
      : "does not match package-lock.json";
    throw new StackError(`${FUNCTIONS_LOCK} ${fault}: ${LOCK_REMEDY}`);
  }
}

/**
 * What package-lock.json lacks, for any platform: "has no integrity for a", "lacks b
 * (a depends on it)".
 */
export function findLockFaults({ packages }: PackageLock): string[] {
  return Object.entries(packages).flatMap(([path, entry]) => {
    const name = path.slice(path.lastIndexOf("node_modules/") + 13);
    const { integrity, dependencies, optionalDependencies } = entry;
    const unsigned = path !== "" && !integrity?.startsWith("sha512-");
    return [
      ...unsigned ? [`has no integrity for ${name}`] : [],
      ...Object.keys({ ...dependencies, ...optionalDependencies })
        .filter((needed) => !isFound(packages, path, needed))
        .map((needed) => `lacks ${needed} (${name} depends on it)`),
    ];
  });
}

/** Whether Node finds `name` from the package at `path`. */
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
 * @throws {StackError} that says what they lack.
 */
export async function writeLocks(files: PinnedFiles, npm: Npm): Promise<void> {
  await requireLockWriter(npm);
  const before = await files.snapshot();
  try {
    await dropUnsigned(files);
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

/** npm keeps an entry without integrity as it is, and resolves a missing one. */
async function dropUnsigned(files: PinnedFiles): Promise<void> {
  if (await files.read("package-lock.json") === undefined) return;
  const lock = await files.readPackageLock();
  const signed = Object.entries(lock.packages)
    .filter(([path, { integrity }]) => path === "" || integrity);
  if (signed.length === Object.keys(lock.packages).length) return;
  await files.write(
    "package-lock.json",
    JSON.stringify({ ...lock, packages: Object.fromEntries(signed) }, null, 2) +
      "\n",
  );
}
