import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  checkLocks,
  writeLocks,
} from "../../scripts/dependencies/check-locks.ts";
import {
  readPackageRequests,
  updatePackages,
} from "../../scripts/dependencies/update-packages.ts";
import { run } from "../support/command.ts";
import {
  FUNCTIONS_LOCK,
  makeProject,
  type Script,
} from "../support/scripted-npm.ts";

const fail = (code: string) => ({
  code: 1,
  stderr: `npm error code ${code}\nnpm error the reason\n`,
});

describe("an update", () => {
  let printed: string[];
  beforeEach(() => {
    printed = [];
    vi.spyOn(console, "log").mockImplementation((line) => printed.push(line));
  });
  afterEach(() => vi.restoreAllMocks());

  const wanted = new Map([["a", "1.1.0"], ["tool", "1.2.0"]]);
  const update = async (script?: Script, transitive = false) => {
    const project = await makeProject(script);
    const before = await project.files.snapshot();
    const { files, npm } = project;
    const changed = updatePackages(files, npm, wanted, { transitive });
    return { ...project, before, changed };
  };

  test("pins each version in every file, then installs and checks them", async () => {
    const { files, changed, calls } = await update();
    expect(await changed).toBe(true);
    expect(await files.readDirect()).toEqual(wanted);
    expect(await files.read("deno.json")).toContain("npm:a@1.1.0");
    expect(await files.read(FUNCTIONS_LOCK)).toContain("sha512-a@1.1.0");
    expect(printed).toEqual(["a@1.1.0", "tool@1.2.0"]);
    expect(calls.slice(-2)).toEqual([
      "ci --ignore-scripts",
      "ci --dry-run --ignore-scripts",
    ]);
  });

  test("leaves out a version that npm cannot resolve, and takes the others", async () => {
    let installs = 0;
    const { files, changed } = await update((line) =>
      line.startsWith("install") && ++installs === 1
        ? fail("ERESOLVE")
        : undefined
    );
    expect(await changed).toBe(true);
    expect(Object.fromEntries(await files.readDirect()))
      .toEqual({ a: "1.0.0", tool: "1.2.0" });
    expect(await files.read("deno.json")).toContain("npm:a@1.0.0");
    expect(printed).toEqual([
      "a@1.1.0 is not taken: npm cannot resolve it (ERESOLVE)",
      "tool@1.2.0",
    ]);
  });

  test("leaves out a version that lacks the build for a platform", async () => {
    const { files, changed } = await update((line) => {
      if (line.startsWith("view tool@1.2.0 ")) {
        const optionalDependencies = { "tool-mac": "1.2.0", "tool-arm": "1" };
        return {
          stdout: JSON.stringify({ name: "tool", optionalDependencies }),
        };
      }
      return line.startsWith("view tool-mac@") ? fail("E404") : undefined;
    });
    expect(await changed).toBe(true);
    expect((await files.readDirect()).get("tool")).toBe("1.0.0");
    expect(printed).toEqual([
      "a@1.1.0",
      "tool@1.2.0 is not taken: the registry does not have tool-mac@1.2.0",
    ]);
  });

  test("without a usable version changes and installs nothing", async () => {
    const { files, before, changed, calls } = await update((line) =>
      line.startsWith("install") ? fail("ERESOLVE") : undefined
    );
    expect(await changed).toBe(false);
    expect(await files.isAsIn(before)).toBe(true);
    expect(calls).not.toContain("ci --ignore-scripts");
  });

  test.each([
    ["npm ci", "ci --ignore-scripts"],
    ["npm update", "update --save"],
    ["the network, at the second package", "view tool@"],
    ["the check of the locks afterwards", "second check"],
  ])("restores every file when %s fails", async (_, failing) => {
    let checks = 0;
    const { files, before, changed } = await update((line) => {
      const isSecond = line.startsWith("ci --dry-run") && ++checks === 2;
      return line.startsWith(failing) || isSecond && failing === "second check"
        ? fail("ECONNRESET")
        : undefined;
    }, true);
    await expect(changed).rejects.toThrow(
      "package.json, package-lock.json, deno.json, supabase/functions/deno.lock are restored; run npm ci to install their packages",
    );
    expect(await files.isAsIn(before)).toBe(true);
  });

  test("takes transitive packages one at a time if they conflict", async () => {
    const { changed } = await update((line) => {
      if (line.startsWith("outdated")) {
        const outdated = { current: "1.0.0", wanted: "1.0.1" };
        return {
          code: 1,
          stdout: JSON.stringify({ x: outdated, y: [outdated], a: outdated }),
        };
      }
      return /^update (--save|x) /.test(line) ? fail("ERESOLVE") : undefined;
    }, true);
    expect(await changed).toBe(true);
    expect(printed.slice(2)).toEqual([
      "x is not updated: npm cannot resolve it (ERESOLVE)",
    ]);
  });

  test("refuses an npm that writes an incomplete lock", async () => {
    const { files, before, changed } = await update((line) =>
      line === "--version" ? { stdout: "11.6.2\n" } : undefined
    );
    await expect(changed).rejects.toThrow(
      "npm 11.6.2 would write package-lock.json without the builds of other platforms",
    );
    expect(await files.isAsIn(before)).toBe(true);
  });
});

describe("the check and the repair of the locks", () => {
  test("passes if they agree", async () => {
    const { files, npm } = await makeProject();
    await checkLocks(files, npm);
  });

  test("reports the differences that npm finds, without npm's usage", async () => {
    const stderr = [
      "npm error code EUSAGE",
      "npm error",
      "npm error Please update your lock file with `npm install`",
      "npm error Invalid: lock file's a@1.0.0 does not satisfy a@1.0.1",
      "npm error Missing: b@1.0.0 from lock file",
      "npm error Usage:",
    ].join("\n");
    const { files, npm } = await makeProject((line) =>
      line.startsWith("ci") ? { code: 1, stderr } : undefined
    );
    const error = await checkLocks(files, npm).catch((error) => error);
    expect(error.message).toBe([
      "package-lock.json does not match package.json: run npm run deps -- --lock",
      "Invalid: lock file's a@1.0.0 does not satisfy a@1.0.1",
      "Missing: b@1.0.0 from lock file",
    ].join("\n"));
  });

  test.each([
    [FUNCTIONS_LOCK, undefined, `${FUNCTIONS_LOCK} is missing`],
    [
      FUNCTIONS_LOCK,
      "{}",
      `${FUNCTIONS_LOCK} does not match package-lock.json`,
    ],
    ["package-lock.json", undefined, "package-lock.json is missing"],
    [
      "package-lock.json",
      '{"packages":{"node_modules/tool":{"version":"1.0.0"}}}',
      "package-lock.json has no integrity for tool",
    ],
  ])(
    "names the remedy for %s as %j, and the remedy works",
    async (path, text, fault) => {
      const { files, npm } = await makeProject();
      if (text === undefined) await Deno.remove(new URL(path, files.root));
      else await files.write(path, text);
      await expect(checkLocks(files, npm)).rejects
        .toThrow(`${fault}: run npm run deps -- --lock`);
      await writeLocks(files, npm);
      await checkLocks(files, npm);
    },
  );

  test("writes no lock if npm fails", async () => {
    const { files, npm } = await makeProject((line) =>
      line.startsWith("install") ? fail("ECONNRESET") : undefined
    );
    await files.write(
      "package-lock.json",
      '{"packages":{"node_modules/a":{"version":"1.0.0"}}}',
    );
    const before = await files.snapshot();
    await expect(writeLocks(files, npm)).rejects.toThrow("ECONNRESET");
    expect(await files.isAsIn(before)).toBe(true);
  });
});

describe("the packages to update", () => {
  const direct = new Map([["jose", "6.2.17"], ["@s/a", "1.0.0-beta.1"]]);

  test("are names, with exact versions or without", () => {
    expect(readPackageRequests("jose@7.0.0,@s/a@1.0.0-beta.2", direct)).toEqual(
      [
        { name: "jose", version: "7.0.0" },
        { name: "@s/a", version: "1.0.0-beta.2" },
      ],
    );
    expect(readPackageRequests("@s/a", direct)).toEqual([{ name: "@s/a" }]);
  });

  test.each(["jose@^6", "jose@latest", "jose@6", "jose@"])(
    "are not %s",
    (text) => {
      expect(() => readPackageRequests(text, direct)).toThrow(
        `Cannot update ${text}: expected an exact version, such as jose@6.2.17`,
      );
    },
  );

  test("are dependencies of package.json", () => {
    expect(() => readPackageRequests("left", direct)).toThrow(
      "Cannot update left:",
    );
  });

  test.each([
    [["--only", "zod"], "--only is an option of --update; add --update"],
    [["--lock", "--check"], "exclude each other"],
    [["--update", "--only", "zod@^4"], "expected an exact version"],
  ])("and the flags %j are refused", async (flags, sentence) => {
    const { code, stderr } = await run("../scripts/deps.ts", flags);
    expect(code).toBe(1);
    expect(stderr).toContain(sentence);
  });
});
