import { describe, expect, test } from "vitest";
import { run as runCommand } from "../support/command.ts";
import { EVENTS, FIRM, useStack } from "../support/running-stack.ts";

/** `npm run keys`, against a running stack. */
describe("npm run keys", () => {
  const ledger = useStack("PGlite");
  const run = (...args: string[]) =>
    runCommand("../scripts/keys.ts", [...args, `--url=${ledger.stack.url}`]);
  const create = (name: string, ...more: string[]) =>
    run("create", `--name=${name}`, "--logs=audit", `--firm=${FIRM}`, ...more);
  const record = async (key: string) =>
    (await ledger.post("audit", EVENTS.audit, {
      headers: { apikey: null, "x-ledger-key": key },
    })).status;
  const idOf = (line: string) => line.split("  ")[0];

  test("creates a key, prints it alone on stdout, and lists it without it", async () => {
    const { code, stdout, stderr } = await create(
      "gateway",
      "--write-only",
      "--max-usd-day=50",
      "--max-rows-day=9",
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^lfk_[\w-]{43}\n$/);
    expect(stderr).toContain(
      `audit  firm_id=${FIRM}  write-only  $0 of $50 today  0 of 9 rows today`,
    );
    expect(await record(stdout.trim())).toBe(201);
    const listed = await run("list");
    expect(listed.stdout).toContain("1 of 9 rows today");
    expect(listed.stdout).not.toContain("lfk_");
    const ninetyDays = new Date(Date.now() + 90 * 86_400_000);
    expect(listed.stdout).toContain(
      `expires ${ninetyDays.toISOString().slice(0, 10)}`,
    );
  });

  test("rotates with an overlap, and revokes", async () => {
    const old = await create("rotated", "--expires=never");
    const id = idOf(old.stderr);
    const fresh = await run("rotate", id, "--overlap=30m");
    expect([fresh.code, fresh.stdout]).toEqual([
      0,
      expect.stringMatching(/^lfk_/),
    ]);
    for (const { stdout } of [old, fresh]) {
      expect(await record(stdout.trim())).toBe(201);
    }
    const revoked = await run("revoke", id);
    expect([revoked.code, revoked.stdout]).toEqual([
      0,
      expect.stringContaining("Revoked rotated: it records nothing"),
    ]);
    expect(await record(old.stdout.trim())).toBe(401);
    expect(await record(fresh.stdout.trim())).toBe(201);
    const again = await run("rotate", id);
    expect([again.code, again.stderr]).toEqual([
      1,
      "No active key has this id; npm run keys -- list shows them\n",
    ]);
  });

  test.each([
    [["create"], "A key needs --name and --logs; see --help"],
    [["create", "--name=a", "--logs=audit"], "A key needs a firm: pass"],
    [
      ["create", "--name=a b", "--logs=audit", "--firm=any"],
      "Cannot use this --name: expected up to 64 letters",
    ],
    [
      ["create", "--name=a", "--logs=audits", "--firm=any"],
      'Cannot use the log "audits": expected some of ',
    ],
    [
      ["create", "--name=a", "--logs=audit", "--firm=x"],
      'Cannot use "x" as firm_id: expected a UUID',
    ],
    [
      ["create", "--name=a", "--logs=audit", "--firm=any", "--expires=soon"],
      'Cannot use the duration "soon": expected a number with s, m, h or d',
    ],
    [
      [
        "create",
        "--name=a",
        "--logs=audit",
        "--firm=99999999-0000-4000-8000-000000000009",
      ],
      "firm_id of the scope refers to a row that does not exist",
    ],
    [
      [
        "create",
        "--name=a",
        "--logs=audit",
        `--firm=${FIRM}`,
        "--project=30000000-0000-4000-8000-000000000002",
      ],
      "the project of the scope is not one of its firm",
    ],
    [["list", "--name=a"], "Option '--name' is not one of list; omit it"],
    [["revoke"], "The id of a key is missing; pass one"],
    [["remove"], "The command is missing or unknown; pass one of create, "],
    [[], "The command is missing or unknown; pass one of create, "],
  ])("refuses %j", async (args, sentence) => {
    const { code, stdout, stderr } = await run(...args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});
