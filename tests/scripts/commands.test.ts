import { expect, test } from "vitest";
import { run } from "../support/command.ts";

const { scripts } = JSON.parse(
  Deno.readTextFileSync(new URL("../../package.json", import.meta.url)),
) as { scripts: Record<string, string> };

/** The file that each script runs, for scripts that run a file of the project. */
const COMMANDS = Object.entries(scripts).flatMap(([name, line]) => {
  const [, file] = /^deno run -A ((?:scripts|bench)\/\S+\.ts)$/.exec(line) ??
    [];
  return file ? [[name, file]] : [];
});

test("package.json has the commands", () => {
  expect(COMMANDS.length).toBeGreaterThan(14);
});

test.concurrent.each(COMMANDS)(
  "npm run %s -- --help prints the usage with an example",
  async (name, file) => {
    const { code, stdout, stderr } = await run(`../${file}`, ["--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^Usage: /);
    expect(stdout).toContain("--help");
    if (name !== "demo") expect(stdout).toMatch(/^ *Examples?:/m);
  },
);
