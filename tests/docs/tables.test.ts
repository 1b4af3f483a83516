import { waitForUpdate } from "@pydantic/genai-prices";
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
  test("lists the providers with usage objects by api_flavor", async () => {
    const known = (await waitForUpdate() ?? [])
      .filter(({ extractors = [] }) => extractors.length > 0)
      .map(({ id, extractors }) => {
        const flavors = extractors!.map(({ api_flavor }) => api_flavor);
        const name = id.replace(/^huggingface_.+$/, "huggingface_…");
        return `${name}: ${flavors.join(", ")}`;
      });
    const shown = readRows("docs/pricing.md")
      .flatMap(([flavors, providers = []]) =>
        providers.map((provider) => `${provider}: ${flavors.join(", ")}`)
      );
    expect(shown).toEqual(expect.arrayContaining([...new Set(known)]));
  });
});
