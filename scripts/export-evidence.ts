/**
 * `npm run export-evidence`: writes the evidence bundle of a project, which `npm run
 * verify` checks offline.
 */
import { StackError } from "../local/stack-error.ts";
import { readFlags, runCommand } from "./command-line.ts";
import { collectEvidence } from "./evidence/collect-evidence.ts";
import { type Project, readProject } from "./evidence/project-rest.ts";

const FLAGS = { url: { type: "string" }, out: { type: "string" } } as const;

const USAGE = `\
Usage: npm run export-evidence -- --out <file> [--url <origin>]

Writes the evidence bundle of a project, which npm run verify checks without the
project. The bundle holds the rows and their salts: keep it as secret as the rows.

  --out <file>    the file to write
  --url <origin>  https://<ref>.supabase.co; default the local stack
  --help          show this text

The key is SUPABASE_SECRET_KEY, or the local stack's key.

Example: npm run export-evidence -- --out evidence.ndjson`;

if (import.meta.main) await runCommand(USAGE, exportEvidence);

async function exportEvidence(args: string[]): Promise<void> {
  const { url, out } = readFlags(args, FLAGS);
  if (out === undefined) {
    throw new StackError("The output file is missing; pass --out <file>");
  }
  const project = readProject(url);
  // An existing file stays until the new one is complete.
  const unfinished = `${out}.unfinished`;
  try {
    await writeBundle(project, unfinished);
    await Deno.rename(unfinished, out);
  } catch (error) {
    await Deno.remove(unfinished).catch(() => {});
    if (error instanceof StackError) throw error;
    throw new StackError(`Cannot write ${out}: ${(error as Error).message}`);
  }
  console.log(`Written to ${out}`);
}

async function writeBundle(project: Project, path: string): Promise<void> {
  const options = { write: true, create: true, truncate: true, mode: 0o600 };
  using file = await Deno.open(path, options);
  const encoder = new TextEncoder();
  await collectEvidence(project, {
    write: (line) => writeAll(file, encoder.encode(`${line}\n`)),
    restart: async () => {
      await file.truncate(0);
      await file.seek(0, Deno.SeekMode.Start);
    },
  });
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await file.write(bytes.subarray(at));
  }
}
