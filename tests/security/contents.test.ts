import { describe, expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFileSync(new URL(path, ROOT));

/** The rows of the tables: the attack, the file and a part of the test's title. */
const ROWS = read("tests/security/README.md").split("\n")
  .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
  .filter(([, file]) => file?.startsWith("`"))
  .map(([attack, file, title]) => ({
    attack,
    file: file.replaceAll("`", ""),
    title,
  }));

function* testFiles(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(new URL(folder, ROOT))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* testFiles(path);
    else if (path.endsWith(".test.ts")) yield path;
  }
}

describe("the list of attacks", () => {
  test("has tests for many attacks, each once", () => {
    expect(ROWS.length).toBeGreaterThan(50);
    const attacks = ROWS.map(({ attack }) => attack);
    expect(new Set(attacks).size).toBe(attacks.length);
  });

  test.each(ROWS)("names a test against: $attack", ({ file, title }) => {
    // A title is a string, which formatting does not break into lines.
    const strings = read(file).match(/"(?:[^"\\\n]|\\.)*"/g) ?? [];
    expect(strings.some((string) => string.includes(title))).toBe(true);
  });

  test("names every file of tests in its folder", () => {
    const named = new Set(ROWS.map(({ file }) => file));
    const own = "tests/security/contents.test.ts";
    for (const file of testFiles("tests/security")) {
      if (file !== own) expect(named).toContain(file);
    }
  });
});
