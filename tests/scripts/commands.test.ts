import { expect, test } from "vitest";

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
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", file, "--help"],
      cwd: new URL("../../", import.meta.url),
    }).output();
    const text = new TextDecoder();
    expect([code, text.decode(stderr)]).toEqual([0, ""]);
    const usage = text.decode(stdout);
    expect(usage).toMatch(/^Usage: /);
    expect(usage).toContain("--help");
    if (name !== "demo") expect(usage).toMatch(/^ *Examples?:/m);
  },
);
