import { describe, expect, test } from "vitest";
import { readPages, readProjectFile, withoutBlocks } from "./pages.ts";

const pages = readPages();
const pathOf = (from: string, to: string) =>
  new URL(to, `file:///${from}`).pathname.slice(1);

/** Links of a page's text to this project: `[text](target)`. */
const links = pages.flatMap(({ path, text }) =>
  [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target)
    .filter((target) => !/^https?:/.test(target))
    .map((target) => ({ path, target }))
);

describe("the pages", () => {
  test.each(links)(
    "$path: the link to $target resolves",
    ({ path, target }) => {
      const [file, anchor] = target.split("#");
      const linked = file === "" ? path : pathOf(path, file);
      expect(() => readProjectFile(linked)).not.toThrow();
      if (anchor === undefined) return;
      const page = pages.find((page) => page.path === linked);
      expect([...page?.anchors ?? []]).toContain(anchor);
    },
  );

  test("README.md has at most 200 lines", () => {
    const lines = readProjectFile("README.md").trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(200);
  });

  test("README.md links to every page", () => {
    const linked = links.filter(({ path }) => path === "README.md")
      .map(({ target }) => target);
    for (const { path } of pages) {
      if (path !== "README.md") expect(linked).toContain(path);
    }
  });
});

describe("the recipes", () => {
  const recipes = [
    ...Deno.readDirSync(new URL("../../supabase/recipes", import.meta.url)),
  ].map(({ name }) => `supabase/recipes/${name}`);

  test.each(recipes)("%s is shown by one page as it is", (recipe) => {
    const sql = readProjectFile(recipe);
    const showing = pages.filter(({ blocks }) =>
      blocks.some(({ language, code }) => language === "sql" && code === sql)
    );
    expect(showing).toHaveLength(1);
    expect(showing[0].text).toContain(`](../${recipe})`);
  });
});

describe("the commands of the pages", () => {
  const scripts = pages.flatMap(({ examples }) =>
    examples.map(({ script }) => script)
  );
  const called = scripts.flatMap(readCalls);

  const { paths } = JSON.parse(readProjectFile("docs/openapi.json")) as {
    paths: Record<string, Record<string, unknown>>;
  };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`)
  );

  /** Routes that openapi.json, which is of the logs, does not have. */
  const others = [
    [
      "POST /otlp/v1/traces",
      "POST /webhooks/litellm",
      "POST /webhooks/portkey",
    ],
    ["POST /webhooks/database", "POST /webhooks/auth"],
    ["POST /webhooks/standard/{log}", "POST /webhooks/cloudevents/{log}"],
    ["GET /ledger/checkpoint", "GET /ledger/tile/{level}/{n}"],
    ["GET /ledger/consistency", "GET /ledger/proof/{log}/{id}"],
    ["POST /ledger/seal", "POST /ledger/add-checkpoint"],
  ].flat();

  test.each([...operations, ...others])("call %s", (operation) => {
    const pattern = new RegExp(
      `^${operation.replaceAll(/\{\w+\}/g, "[^ ]+")}$`,
    );
    // A path such as /audit/summary is not a call of /audit/{id}.
    const matching = called.filter((call) =>
      pattern.test(call) &&
      (call === operation || !operations.includes(call))
    );
    expect(matching).not.toEqual([]);
  });
});

/** Method and path of the functions' URLs that a command calls. */
function readCalls(script: string): string[] {
  return script.split(/\bcurl\b/).flatMap((command) => {
    const method = /-X (\w+)/.exec(command)?.[1] ??
      (/(?:^|\s)(?:-d|--data-binary)\s/.test(command) ? "POST" : "GET");
    return [...command.matchAll(/\$URL(\/[^\s"'?]*)/g)]
      .flatMap(([, path]) => expandBraces(path))
      .map((path) => `${method} ${path}`);
  });
}

/** `{a,b}/c` as `a/c` and `b/c`, as curl does. */
function expandBraces(path: string): string[] {
  const found = /^(.*?)\{([^}]*)\}(.*)$/.exec(path);
  if (!found) return [path];
  const [, before, choices, after] = found;
  return choices.split(",").map((choice) => before + choice + after);
}
