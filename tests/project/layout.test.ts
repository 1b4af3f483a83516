import { parse } from "@std/toml/parse.js";
import { LOG_NAMES, LOG_SLUGS, LOGS } from "../../shared/logs/index.ts";
import { walkImports } from "../support/walk-imports.ts";
import { describe, expect, test } from "vitest";

const PROJECT = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFileSync(new URL(path, PROJECT));

type FunctionConfig = { verify_jwt?: boolean; static_files?: string[] };
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

  test("include that of every log of the registry, whose slugs and tables are unique", () => {
    expect(slugs).toEqual(expect.arrayContaining([...LOG_SLUGS]));
    for (const names of [LOG_SLUGS, LOG_NAMES]) {
      expect(new Set(names).size).toBe(LOGS.length);
    }
  });

  test.each(slugs)(
    "%s authenticates inside, and has the one import map and the one lock",
    (slug) => {
      expect(config.functions[slug]).toEqual({
        verify_jwt: false,
        static_files: ["./functions/deno.lock"],
      });
      expect(JSON.parse(read(`supabase/functions/${slug}/deno.json`))).toEqual({
        importMap: "../../../deno.json",
        lock: "../deno.lock",
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

  test.each(slugs)(
    "%s starts with less than 2 MB of modules, and loads less than 5 MB",
    async (slug) => {
      const { atStart, all } = await walkImports(
        new URL(`supabase/functions/${slug}/index.ts`, PROJECT).pathname,
      );
      expect(atStart.files.length).toBeGreaterThan(50);
      expect(atStart.bytes).toBeLessThan(2_000_000);
      expect(all.bytes).toBeLessThan(5_000_000);
      // Modules for tokens are loaded with the first token.
      for (const name of ["@supabase/server", "@supabase/supabase-js"]) {
        const isPart = (file: string) => file.includes(`/${name}/`);
        expect(atStart.files.filter(isPart)).toEqual([]);
        expect(all.files.some(isPart)).toBe(true);
      }
    },
  );
});

/** The specifier of an import or an export. */
const SPECIFIER = /(?:\bfrom|^import|\bimport\()\s*"([^"]+)"(?=[;)])/gm;

/** The parts of shared, by the prefix of a path; each imports from earlier ones only. */
const LAYERS = [
  ["issue.ts", "limits.ts"],
  ["redaction/", "tlog/"],
  ["pricing/"],
  ["logs/"],
  ["db/"],
  ["evidence/"],
  ["http/"],
  ["ingest/"],
  ["query/"],
  ["usage/", "otlp/"],
  ["webhooks/"],
  // How functions are put together.
  ["serve-"],
];

/** The layer of a file of shared, and its part of the layer. */
function placeOf(path: string): { layer: number; part: string } {
  const name = path.replace(/^shared\//, "");
  for (const [layer, parts] of LAYERS.entries()) {
    const part = parts.find((part) => name.startsWith(part));
    if (part !== undefined) return { layer, part };
  }
  throw new Error(`${path} belongs to no layer`);
}

describe("shared", () => {
  test.each(sources)(
    "%s imports from lower layers and its own part only",
    (path) => {
      const from = new URL(path, PROJECT);
      const own = placeOf(path);
      for (const [, specifier] of read(path).matchAll(SPECIFIER)) {
        if (!specifier.startsWith(".")) continue;
        const { href } = new URL(specifier, from);
        const used = placeOf(href.slice(PROJECT.href.length));
        const allowed = used.layer < own.layer || used.part === own.part ||
          own.layer === LAYERS.length - 1;
        expect(allowed, specifier).toBe(true);
      }
    },
  );
});

describe("the deployed sources", () => {
  const deployed = [
    ...sources,
    ...slugs.map((slug) => `supabase/functions/${slug}/index.ts`),
  ];
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
