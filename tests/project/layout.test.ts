import { parse } from "@std/toml/parse.js";
import { walkImports } from "./walk-imports.ts";
import { describe, expect, test } from "vitest";

const PROJECT = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFileSync(new URL(path, PROJECT));

type FunctionConfig = { verify_jwt?: boolean; import_map?: string };
const config = parse(read("supabase/config.toml")) as {
  functions: Record<string, FunctionConfig>;
};
const { imports, lock } = JSON.parse(read("deno.json")) as {
  imports: Record<string, string>;
  lock: boolean;
};
const slugs = Object.keys(config.functions);

function* files(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(new URL(folder, PROJECT))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* files(path);
    else yield path;
  }
}
const sources = [...files("shared")].filter((path) => path.endsWith(".ts"));

describe("the functions", () => {
  test("are the folders with an index.ts, each named in config.toml", () => {
    const folders = [
      ...Deno.readDirSync(new URL("supabase/functions", PROJECT)),
    ]
      .filter((entry) => entry.isDirectory).map((entry) => entry.name);
    expect(folders.sort()).toEqual([...slugs].sort());
  });

  test.each(slugs)(
    "%s authenticates inside and uses the one import map",
    (slug) => {
      expect(config.functions[slug]).toEqual({
        verify_jwt: false,
        import_map: "../deno.json",
      });
    },
  );

  test.each(slugs)(
    "%s has an entry point of at most 15 lines of wiring",
    (slug) => {
      const source = read(`supabase/functions/${slug}/index.ts`);
      expect(source.trim().split("\n").length).toBeLessThanOrEqual(15);
    },
  );

  test.each(slugs)("%s loads less than 5 MB of modules", async (slug) => {
    const { modules, bytes } = await walkImports(
      new URL(`supabase/functions/${slug}/index.ts`, PROJECT).pathname,
    );
    expect(modules).toBeGreaterThan(50);
    expect(bytes).toBeLessThan(5_000_000);
  });
});

describe("what the platform gets", () => {
  const deployed = [
    ...sources,
    ...slugs.map((slug) => `supabase/functions/${slug}/index.ts`),
  ];
  const SPECIFIER = /(?:\bfrom|^import|\bimport\()\s*"([^"]+)"(?=[;)])/gm;

  test.each(deployed)(
    "%s imports by relative path or through the import map",
    (path) => {
      for (const [, specifier] of read(path).matchAll(SPECIFIER)) {
        if (specifier.startsWith(".")) {
          expect(specifier).toMatch(/\.ts$/);
          continue;
        }
        const mapped = specifier in imports ||
          (specifier.startsWith("@std/") && specifier.endsWith(".js"));
        expect(mapped, specifier).toBe(true);
      }
    },
  );

  test.each(sources)("%s uses no global of Deno or Node", (path) => {
    const code = read(path).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    expect(code).not.toMatch(/\b(Deno|process|Buffer)\s*[.[?]/);
  });

  test("the import map names no directory, which the CLI would upload whole", () => {
    for (const target of Object.values(imports)) {
      expect(target).toMatch(/^npm:/);
    }
    expect(lock).toBe(false);
  });

  test("versions are exact and the same for Deno and npm", () => {
    const { dependencies, devDependencies } = JSON.parse(read("package.json"));
    const installed = { ...dependencies, ...devDependencies };
    for (const version of Object.values(installed)) {
      expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
    }
    for (const target of Object.values(imports)) {
      const [, name, version] = /^npm:\/?((?:@[^/]+\/)?[^@/]+)@([^/]+)/.exec(
        target,
      )!;
      expect(`${name}@${version}`).toBe(`${name}@${installed[name]}`);
    }
  });
});
