/**
 * `npm run verify:kit`: bundles the verifier into one file, which auditors run without
 * this repository.
 */
import { dirname } from "@std/path/dirname.js";
import { type OutputChunk, type Plugin, rolldown } from "rolldown";
import { StackError } from "../local/stack-error.ts";
import { LOG_NAMES, LOGS_BY_NAME } from "../shared/logs/index.ts";
import { readFlags, runCommand } from "./command-line.ts";

const DEFAULT_OUT = "dist/verify.js";

const USAGE = `\
Usage: npm run verify:kit [-- --out <file>]

Bundles npm run verify into one ES module, and prints its SHA-256. The same sources
give the same bytes. An auditor runs it with Deno, or with Node.js
22 or later:

  deno run --allow-read verify.js evidence.ndjson --key 'example.com/ledger+…'

Options:
  --out <file>  the file to write; default ${DEFAULT_OUT}
  --help        show this text

Example:
  npm run verify:kit -- --out /media/auditor/verify.js`;

const FLAGS = { out: { type: "string" } } as const;

/** Without symbolic links, as rolldown names modules. */
const PROJECT = `${Deno.realPathSync(new URL("..", import.meta.url))}/`;

async function writeKit(args: string[]): Promise<void> {
  const { out = DEFAULT_OUT } = readFlags(args, FLAGS);
  const code = new TextEncoder().encode(await buildKit());
  try {
    await Deno.mkdir(dirname(out), { recursive: true });
    await Deno.writeFile(out, code);
  } catch (error) {
    throw new StackError(
      `Cannot write ${out}: ${
        (error as Error).message
      }; name another file with --out`,
    );
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", code));
  console.log(`Written to ${out}: ${code.length} bytes`);
  console.log(`SHA-256 ${digest.toHex()}`);
}

/** The verifier as one ES module, the same bytes for the same sources. */
export async function buildKit(): Promise<string> {
  const bundle = await rolldown({
    // Makes paths in comments independent of the working directory.
    cwd: PROJECT,
    input: "scripts/verify.ts",
    platform: "neutral",
    external: [/^node:/],
    logLevel: "silent",
    plugins: [declareColumns],
    resolve: {
      alias: { "@std": "deno-std" },
      conditionNames: ["deno", "import", "default"],
      mainFields: ["module", "main"],
    },
    // Node.js before 24 does not have it.
    transform: { define: { "import.meta.main": "true" } },
  });
  const { output: [kit, ...more] } = await bundle.generate({ format: "esm" });
  await bundle.close();
  if (more.length > 0) throw new Error("The kit is more than one file");
  // The packages may be outside the project, by a symbolic link.
  const code = kit.code.replaceAll(
    /^\/\/ \S*\/(node_modules\/\S+)$/gm,
    "// $1",
  );
  return `${await describeKit(kit)}\n${code}`;
}

/**
 * Replaces the declarations of the logs with their leaf columns: the validation of events
 * would make the file that an auditor reads five times as long.
 */
const declareColumns: Plugin = {
  name: "declare-columns",
  load(id) {
    if (id !== `${PROJECT}shared/logs/index.ts`) return null;
    const logs = Object.fromEntries(
      LOG_NAMES.map((name) => [name, { leaf: LOGS_BY_NAME[name].leaf }]),
    );
    return `
export const LOGS_BY_NAME = ${JSON.stringify(logs, null, 2)};
export const LOG_NAMES = Object.keys(LOGS_BY_NAME);
export const isLogName = (value) =>
  typeof value === "string" && Object.hasOwn(LOGS_BY_NAME, value);
`;
  },
};

async function describeKit({ moduleIds }: OutputChunk): Promise<string> {
  const { name, version, license } = await readPackage(PROJECT);
  const packages = new Map<string, string>();
  for (const id of moduleIds) {
    const [folder] = /^.*\/node_modules\/(@[^/]+\/)?[^/]+\//.exec(id) ?? [];
    if (folder !== undefined) packages.set(folder, id);
  }
  const lines = [
    `${name} ${version}: the verifier of its evidence. Licence: ${license}.`,
    "Made by npm run verify:kit; usage: deno run verify.js --help.",
  ];
  for (const [folder, file] of [...packages].sort()) {
    const used = await readPackage(folder);
    lines.push("", `Contains parts of ${used.name} ${used.version}:`, "");
    lines.push(...(await readLicence(folder, file)).trim().split(/\r?\n/));
  }
  return lines.map((line) => `// ${line}`.trimEnd()).join("\n");
}

async function readPackage(folder: string): Promise<Record<string, string>> {
  return JSON.parse(await Deno.readTextFile(`${folder}package.json`));
}

/**
 * The notice that a package's licence requires: its licence file, or the copyright line
 * of its sources.
 */
async function readLicence(folder: string, file: string): Promise<string> {
  for await (const { name } of Deno.readDir(folder)) {
    if (/^licen[cs]e/i.test(name)) {
      return await Deno.readTextFile(folder + name);
    }
  }
  const [, notice] =
    /^\/\/ (Copyright .*)/.exec(await Deno.readTextFile(file)) ??
      [];
  if (notice === undefined) throw new Error(`${folder} has no licence`);
  return notice;
}

if (import.meta.main) await runCommand(USAGE, writeKit);
