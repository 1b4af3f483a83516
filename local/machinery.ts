/**
 * The functions of schema `ledger` as this checkout's migrations define them,
 * compared with a database's. The doctor runs inside the database, so whoever
 * can replace its functions can silence it; this comparison runs outside.
 */

/** A function of schema `ledger`, by its name, and its body. */
export interface LedgerFunction {
  name: string;
  body: string;
}

/** How the migrations spell a function of the machinery; generated ones have no name there. */
const DEFINITION =
  /create (?:or replace )?function (ledger\.\w+)\s*\(.*?\bas (\$\w*\$)(.*?)\2|^drop function (ledger\.\w+)/gms;

const MIGRATIONS = new URL("../supabase/migrations/", import.meta.url);

/** The last body of each function in `scripts`, which are in the order in which they run. */
export function readDefinitions(scripts: string[]): Map<string, string> {
  const bodies = new Map<string, string>();
  for (const script of scripts) {
    for (const [, name, , body, gone] of script.matchAll(DEFINITION)) {
      if (gone) bodies.delete(gone);
      else bodies.set(name, body);
    }
  }
  return bodies;
}

/** {@linkcode readDefinitions} of this project's migrations. */
export async function readMachinery(): Promise<Map<string, string>> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(MIGRATIONS)) {
    if (name.endsWith(".sql")) names.push(name);
  }
  return readDefinitions(
    await Promise.all(
      names.sort().map((name) => Deno.readTextFile(new URL(name, MIGRATIONS))),
    ),
  );
}

/** Names of the functions that `found` lacks, or has with another body. */
export function findChanged(
  wanted: Map<string, string>,
  found: LedgerFunction[],
): string[] {
  return [...wanted]
    .filter(([name, body]) =>
      found.filter((one) => one.name === name).length !== 1 ||
      !found.some((one) => one.name === name && one.body === body)
    )
    .map(([name]) => name);
}
