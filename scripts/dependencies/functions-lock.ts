/**
 * The lockfile of the Edge Functions, derived from package-lock.json, so that a
 * deploy can bundle the packages that were tested, transitive ones included.
 *
 * Format 4 of deno.lock: Deno 2.1, the level of the platform's runtime, reads no
 * newer one, and newer runtimes read it.
 */

/** What to do where a lock is stale: it writes both. */
export const LOCK_REMEDY = "run npm run deps -- --lock";

/** The part of package-lock.json (lockfileVersion 3) that matters here. */
export interface PackageLock {
  packages: Record<string, LockedPackage>;
}

interface LockedPackage {
  version: string;
  integrity?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

/** A package of the functions' graph: its key in deno.lock and what it depends on. */
interface Resolved {
  name: string;
  /** `name@version`, followed by its peers: `a@1.0.0_b@2.0.0`. */
  key: string;
  integrity: string;
  dependencies: Resolved[];
}

/** `npm:@scope/name@1.2.3/path` or `npm:/name@1.2.3/`, as import maps have it. */
const NPM_TARGET = /^npm:\/?((?:@[^/]+\/)?[^@/]+)@([^/]+)/;

/**
 * The packages that an import map names, each with its exact version.
 *
 * @throws when a target is not an npm package with a version.
 */
export function readImportedPackages(
  imports: Record<string, string>,
): Map<string, string> {
  const packages = new Map<string, string>();
  for (const [specifier, target] of Object.entries(imports)) {
    const [, name, version] = NPM_TARGET.exec(target) ?? [];
    if (!name) {
      throw new Error(
        `Cannot pin ${specifier}: expected npm:<name>@<version>, found ${target}`,
      );
    }
    packages.set(name, version);
  }
  return packages;
}

/**
 * The text of deno.lock for what `imports` names, with all that it depends on.
 *
 * @throws when package-lock.json has another version or lacks a package.
 */
export function makeFunctionsLock(
  lock: PackageLock,
  imports: Record<string, string>,
): string {
  const specifiers: Record<string, string> = {};
  const all = new Map<string, Resolved>();
  for (const [name, version] of readImportedPackages(imports)) {
    const root = resolve(lock, `node_modules/${name}`, all);
    if (lock.packages[`node_modules/${name}`].version !== version) {
      throw new Error(
        `deno.json has ${name}@${version}, package-lock.json ${root.key}: make them equal, then ${LOCK_REMEDY}`,
      );
    }
    specifiers[`npm:${name}@${version}`] = root.key.slice(name.length + 1);
  }
  const versions = Map.groupBy(all.values(), ({ name }) => name);
  const nameOrKey = ({ name, key }: Resolved) =>
    versions.get(name)!.length === 1 ? name : key;
  const npm = Object.fromEntries(
    [...all.values()].map(({ key, integrity, dependencies }) => [key, {
      integrity,
      ...dependencies.length > 0 &&
        { dependencies: dependencies.map(nameOrKey).sort() },
    }]),
  );
  return JSON.stringify(
    { version: "4", specifiers: sortKeys(specifiers), npm: sortKeys(npm) },
    null,
    2,
  ) + "\n";
}

function resolve(
  lock: PackageLock,
  path: string,
  all: Map<string, Resolved>,
): Resolved {
  const known = all.get(path);
  if (known) return known;
  const found = lock.packages[path];
  const name = path.slice(path.lastIndexOf("node_modules/") + 13);
  if (!found) {
    throw new Error(`package-lock.json lacks ${name}: ${LOCK_REMEDY}`);
  }
  if (!found.integrity) {
    throw new Error(
      `package-lock.json has no integrity for ${name}: ${LOCK_REMEDY}`,
    );
  }
  const follow = (names: string[]) =>
    names.map((name) => resolve(lock, findFrom(lock, path, name), all));
  const peers = follow(
    Object.keys(found.peerDependencies ?? {})
      .filter((name) => !found.peerDependenciesMeta?.[name]?.optional).sort(),
  );
  const dependencies = follow(Object.keys(found.dependencies ?? {}));
  const suffix = peers.map(({ key }) => `_${key.replaceAll("/", "+")}`);
  const resolved = {
    name,
    key: `${name}@${found.version}${suffix.join("")}`,
    integrity: found.integrity,
    dependencies: [...dependencies, ...peers],
  };
  all.set(path, resolved);
  return resolved;
}

/** Where Node finds `name` from the package at `path`. */
function findFrom(lock: PackageLock, path: string, name: string): string {
  for (let folder = path; folder !== "";) {
    const candidate = `${folder}/node_modules/${name}`;
    if (lock.packages[candidate]) return candidate;
    folder = folder.slice(0, Math.max(folder.lastIndexOf("/node_modules/"), 0));
  }
  return `node_modules/${name}`;
}

function sortKeys<Value>(record: Record<string, Value>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(record).sort(([a], [b]) => a < b ? -1 : 1),
  );
}
