import * as z from "zod";
import { describe, expect, test } from "vitest";
import { LOGS } from "../../shared/logs/index.ts";
import { readProjectFile } from "./pages.ts";

/** The rows of a page's tables: the words in code font of each cell. */
function readRows(path: string): string[][][] {
  return [...readProjectFile(path).matchAll(/^\| (.*) \|$/gm)]
    .map(([, row]) =>
      row.split(" | ").map((cell) =>
        [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word)
      )
    );
}

describe("docs/reading.md", () => {
  const rows = readRows("docs/reading.md").filter((cells) =>
    cells.length === 4
  );

  test.each([...LOGS])("lists the filters and groups of $slug", (log) => {
    const [, filters, minimums, groups] = rows.find(([[name]]) =>
      name === log.slug
    )!;
    expect(filters).toEqual(Object.keys(log.filters));
    expect(minimums)
      .toEqual(Object.keys(log.minimums).map((column) => `min_${column}`));
    expect(groups).toEqual(log.groups);
  });
});

describe("docs/recording.md", () => {
  const words = readRows("docs/recording.md").flatMap(([first]) => first);

  test("explains each task_type", () => {
    const { task_type } = LOGS.find(({ slug }) => slug === "llm-usage")!.event
      .shape;
    for (const value of (task_type as z.ZodEnum).options) {
      expect(words).toContain(value);
    }
  });
});

describe("docs/pricing.md", () => {
  test("lists the values of api_flavor that decide between two readings", async () => {
    const folder = new URL("../../shared/pricing/", import.meta.url);
    const known = new Set<string>();
    for await (const { name } of Deno.readDir(folder)) {
      const code = await Deno.readTextFile(new URL(name, folder));
      for (
        const [, value] of code.matchAll(/apiFlavor [!=]== "([^"]+)"/g)
      ) known.add(value);
    }
    const shown = readRows("docs/pricing.md").map(([flavors]) => flavors ?? [])
      .flat();
    expect(known.size).toBeGreaterThan(3);
    expect(shown).toEqual(expect.arrayContaining([...known]));
  });
});
