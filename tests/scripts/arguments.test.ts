import { describe, expect, test } from "vitest";
import { parseArguments } from "../../scripts/arguments.ts";

const OPTIONS = {
  count: { type: "string" },
  out: { type: "string" },
  key: { type: "string", multiple: true },
  check: { type: "boolean" },
} as const;

class Refusal extends Error {}
const parse = (args: string[], maxPositionals?: number) =>
  parseArguments(args, OPTIONS, { maxPositionals, Refusal });

describe("arguments", () => {
  test.each<[string[], Record<string, unknown>, string[]]>([
    [[], {}, []],
    [["a", "--check", "b"], { check: true }, ["a", "b"]],
    [["--count", "5", "--out=x"], { count: "5", out: "x" }, []],
    [["--count=-5"], { count: "-5" }, []],
    [["--out", "-"], { out: "-" }, []],
    [["--out="], { out: "" }, []],
    [["--key", "a", "--key=b"], { key: ["a", "b"] }, []],
    [["--", "--check"], {}, ["--check"]],
    [["-"], {}, ["-"]],
  ])("%j are parsed", (args, values, positionals) => {
    const parsed = parse(args, 2);
    expect({ ...parsed.values }).toEqual(values);
    expect(parsed.positionals).toEqual(positionals);
  });

  const KNOWN = "expected one of --count, --out, --key, --check";
  const MINUS = (name: string) =>
    `Option '${name}' lacks its value, or the value begins with a dash; pass ${name}=<value>`;
  test.each([
    [["--bogus"], `Unknown option '--bogus'; ${KNOWN}`],
    [["--bogus", "hunter2"], `Unknown option '--bogus'; ${KNOWN}`],
    [["--bogus=hunter2"], `Unknown option '--bogus'; ${KNOWN}`],
    [["--constructor"], `Unknown option '--constructor'; ${KNOWN}`],
    [["-c"], `Unknown option '-c'; ${KNOWN}`],
    [["extra"], `Unexpected argument 'extra'; ${KNOWN}`],
    [["--count"], "Option '--count' lacks its value; pass --count <value>"],
    [["--count", "-5"], MINUS("--count")],
    [["--count", "--check"], MINUS("--count")],
    [["--check=yes"], "Option '--check' does not take a value; omit it"],
    [
      ["--out", "a", "--out=a"],
      "Option '--out' is given twice; pass it once",
    ],
    [["--check", "--check"], "Option '--check' is given twice; pass it once"],
  ])("%j are refused in one sentence", (args, sentence) => {
    expect(() => parse(args)).toThrow(new Refusal(sentence));
  });

  test("of a command without options are refused as such", () => {
    expect(() => parseArguments(["--a"], {}, { Refusal }))
      .toThrow(new Refusal("Unknown option '--a'; expected no arguments"));
  });
});
