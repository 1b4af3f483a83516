/** The newer published versions of a package. */
import { compare } from "@std/semver/compare.js";
import { parse } from "@std/semver/parse.js";

/** The newer versions of a direct dependency. */
export interface NewerVersions {
  name: string;
  current: string;
  /** The newest of the same major version, which `--update` takes. */
  compatible?: string;
  /** The newest of a later major version. */
  major?: string;
}

/**
 * Picks from `published`; a pre-release counts only for a package that is pinned
 * to one. Before 1.0.0 a minor version may break, so it counts as a major one.
 */
export function pickNewer(
  name: string,
  current: string,
  published: string[],
): NewerVersions {
  const own = parse(current);
  const isCandidate = (version: string) => {
    const { prerelease = [] } = parse(version);
    return compare(parse(version), own) > 0 &&
      (prerelease.length === 0 || own.prerelease!.length > 0);
  };
  const isCompatible = (version: string) => {
    const { major, minor } = parse(version);
    return major === own.major && (major > 0 || minor === own.minor);
  };
  const newest = (versions: string[]) =>
    versions.toSorted((a, b) => compare(parse(a), parse(b))).at(-1);
  const candidates = published.filter(isCandidate);
  return {
    name,
    current,
    compatible: newest(candidates.filter(isCompatible)),
    major: newest(candidates.filter((version) => !isCompatible(version))),
  };
}
