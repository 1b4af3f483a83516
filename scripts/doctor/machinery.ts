/**
 * Compares the functions of schema `ledger` of this checkout with those of a database.
 * The doctor runs inside the database, so a role that can replace its functions can
 * silence it; this comparison runs outside.
 */

/** The name and the body of a function of schema `ledger`. */
export interface LedgerFunction {
  name: string;
  body: string;
}

/** A function's definition, as pg_get_functiondef shows it. */
const DEFINITION =
  /^CREATE OR REPLACE FUNCTION (ledger\.\w+)\([\s\S]*?^AS (\$\w+\$)([\s\S]*?)\2;$/gm;

/** The start of a function that is generated per log, which the doctor compares itself. */
const GENERATED = "\n-- Written by ledger.";

const SCHEMA = new URL("../../supabase/schema.sql", import.meta.url);

/** Name → body of the functions in supabase/schema.sql that are equal in every project. */
export function readDefinitions(schema: string): Map<string, string> {
  const bodies = new Map<string, string>();
  for (const [, name, , body] of schema.matchAll(DEFINITION)) {
    if (!body.startsWith(GENERATED)) bodies.set(name, body);
  }
  return bodies;
}

/** {@linkcode readDefinitions} of this checkout. */
export async function readMachinery(): Promise<Map<string, string>> {
  return readDefinitions(await Deno.readTextFile(SCHEMA));
}

/** The names of functions that are missing from `found` or have another body there. */
export function findChanged(
  expected: Map<string, string>,
  found: LedgerFunction[],
): string[] {
  return [...expected]
    .filter(([name, body]) =>
      found.filter((known) => known.name === name).length !== 1 ||
      !found.some((known) => known.name === name && known.body === body)
    )
    .map(([name]) => name);
}
