/**
 * The functions of schema `ledger` as this checkout has them, compared with a
 * database's. The doctor runs inside the database, so a role that can replace its
 * functions can silence it; this comparison runs outside.
 */

/** A function of schema `ledger`, by its name, and its body. */
export interface LedgerFunction {
  name: string;
  body: string;
}

/** A function's definition, as pg_get_functiondef shows it. */
const DEFINITION =
  /^CREATE OR REPLACE FUNCTION (ledger\.\w+)\([\s\S]*?^AS (\$\w+\$)([\s\S]*?)\2;$/gm;

/** How a function begins that is written from a log's columns and foreign keys, which the doctor compares itself. */
const GENERATED = "\n-- Written by ledger.";

const SCHEMA = new URL("../../supabase/schema.sql", import.meta.url);

/** The body of each function in the text of supabase/schema.sql that is the same in every project. */
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
