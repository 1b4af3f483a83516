/**
 * Writes supabase/prices.sql, the published prices for a fresh database. With
 * `--check` it writes nothing and exits with 1 when the file is stale.
 */
import { readPublishedPrices } from "./prices/published-prices.ts";

const PRICES_FILE = new URL("../supabase/prices.sql", import.meta.url);

/** The text of supabase/prices.sql as it should be. */
export async function writePrices(): Promise<string> {
  const { source, rows } = await readPublishedPrices();
  const lines = rows.map((row) => JSON.stringify(row)).join(",\n");
  return `-- Made from the published prices by scripts/prices.ts; not to be edited.
select public.import_model_prices($prices$[
${lines}
]$prices$::jsonb, source => '${source}', apply => true);
`;
}

if (import.meta.main) {
  const text = await writePrices();
  if (!Deno.args.includes("--check")) {
    await Deno.writeTextFile(PRICES_FILE, text);
  } else if (text !== await Deno.readTextFile(PRICES_FILE).catch(() => "")) {
    console.error(
      "supabase/prices.sql does not match genai-prices: run npm run prices",
    );
    Deno.exit(1);
  }
}
