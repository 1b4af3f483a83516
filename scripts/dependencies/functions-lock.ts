/**
 * The lockfile of the Edge Functions, derived from package-lock.json, so that a deploy
 * bundles the tested packages, transitive ones included.
 *
 * It has format 4 of deno.lock: Deno 2.1, the platform's version, does not read newer
 * formats, and newer versions read this one.
 */

/** The remedy for a stale lock. */
export const LOCK_REMEDY = "run npm run deps -- --lock";

/** The relevant part of package-lock.json (lockfileVersion 3). */
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

/** A package of the functions' graph. */
interface Resolved {
  name: string;
  /** `name@version`, followed by its peers: `a@1.0.0_b@2.0.0`. */
  key: string;
  integrity: string;
  dependencies: Resolved[];
}

/** `npm:@scope/name@1.2.3/path` or `npm:/name@1.2.3/` of an import map. */
const NPM_TARGET = /^npm:\/?((?:@[^/]+\/)?[^@/]+)@([^/]+)/;

/**
 * The packages of an import map: name → exact version.
 *
 * @throws if a target is not an npm package with a version.
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
 * The text of deno.lock for the packages of `imports` and their dependencies.
 *
 * @throws if package-lock.json has another version or lacks a package.
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
        `deno.json has ${name}@${version}, package-lock.json ${root.key}: use one version, then ${LOCK_REMEDY}`,
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

/** The path at which Node resolves `name` from the package at `path`. */
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
