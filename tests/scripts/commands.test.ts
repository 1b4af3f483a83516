import { expect, test } from "vitest";
import { failure, run } from "../support/command.ts";

const { scripts } = JSON.parse(
  Deno.readTextFileSync(new URL("../../package.json", import.meta.url)),
) as { scripts: Record<string, string> };

/** The file that each script runs, for scripts that run a file of the project. */
const COMMANDS = Object.entries(scripts).flatMap(([name, line]) => {
  const [, file] =
    /^deno run (?:-\S+ )*((?:scripts|bench)\/\S+\.ts)$/.exec(line) ?? [];
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

const LOG_KEY =
  "example.com/ledger+c5c17223+Aal/BHXUmoQ+z4DCqpwhh1JkG0E/kZfRLWVtFGXPPd7s";
const LICENSE = new URL("../../LICENSE", import.meta.url).pathname;

/** Each refuses its arguments before it starts or reads anything else. */
const REFUSED: [command: string, args: string[], sentence: RegExp][] = [
  ["demo", ["--bogus"], /^Unknown option '--bogus'; expected no arguments$/m],
  ["demo", ["extra"], /^Unexpected argument 'extra'; expected no arguments$/m],
  ["bench", ["--bogus"], /^Unknown option '--bogus'; expected one of --full$/m],
  [
    "bench",
    ["sql", "nope"],
    /^Unknown part 'nope'; expected one of endpoint, sql, .*, growth-full$/m,
  ],
  [
    "start",
    ["--project-dir", "/nope"],
    /^Cannot use the project \/nope: it does not have a supabase folder; .*--project-dir$/m,
  ],
  [
    "token",
    ["--user", "x", "--project-dir", "/nope"],
    /^Cannot use the project \/nope: it does not have a supabase folder; /,
  ],
  [
    "export-evidence",
    ["--out", "a", "--out", "b"],
    /^Option '--out' is given twice; pass it once$/m,
  ],
  ["seal", ["--every", "-5"], /^Option '--every' lacks its value, or /],
  ["send", [], /^The format is missing; expected otlp, /],
  ["send", ["nothing"], /^Cannot send "nothing": expected otlp, /],
  ["send", ["otlp", "auth"], /^Unexpected argument 'auth'; expected one of /],
  [
    "send",
    ["otlp", "--url", "ftp://127.0.0.1"],
    /^Cannot use the URL "ftp:\/\/127\.0\.0\.1": expected one like /,
  ],
  ["schema", ["--check", "--check"], /^Option '--check' is given twice; /],
  ["deps", ["zod"], /^Unexpected argument 'zod'; expected one of --update, /],
  [
    "prices:import",
    ["--yes=no"],
    /^Option '--yes' does not take a value; omit it$/m,
  ],
];

test.concurrent.each(REFUSED)(
  "npm run %s refuses %j in one sentence",
  async (name, args, sentence) => {
    const [, file] = COMMANDS.find(([command]) => command === name)!;
    const result = await run(`../${file}`, args);
    expect(result).toEqual(failure(sentence));
    expect(result.stderr.trimEnd()).not.toContain("\n");
  },
);

const REFUSED_BY_VERIFY: [args: string[], sentence: RegExp][] = [
  [
    ["ftp://x"],
    /^Cannot read a URL of the scheme ftp; name a file, or a project's http or https URL$/m,
  ],
  [
    [LICENSE, "--held", LICENSE],
    /\/LICENSE is not a checkpoint; pass with --held an unchanged answer of GET \/ledger\/checkpoint$/m,
  ],
  [
    [LICENSE, "--policy", "a", "--policy", "b"],
    /^Option '--policy' is given twice; pass it once$/m,
  ],
];

test.concurrent.each(REFUSED_BY_VERIFY)(
  "npm run verify refuses %j in one sentence, and exits with 2",
  async (args, sentence) => {
    const keyed = [...args, "--key", LOG_KEY];
    expect(await run("../scripts/verify.ts", keyed))
      .toEqual(failure(sentence, 2));
  },
);
