/**
 * `npm run prices`: writes supabase/prices.sql, the published prices of a fresh database.
 */
import { runGenerator } from "./generated-file.ts";
import { completePrices } from "./prices/complete-prices.ts";
import { readPublishedPrices } from "./prices/published-prices.ts";

/** The text of supabase/prices.sql. */
export async function writePrices(): Promise<string> {
  const { source, rows } = await readPublishedPrices();
  const lines = completePrices(rows).map((row) => JSON.stringify(row)).join(
    ",\n",
  );
  return `-- Made from the published prices by scripts/prices.ts; not to be edited.
select public.import_model_prices($prices$[
${lines}
]$prices$::jsonb, source => '${source}', apply => true);
`;
}

const FILE = "supabase/prices.sql";

if (import.meta.main) {
  await runGenerator({
    name: FILE,
    source: "genai-prices",
    script: "prices",
    make: async () => ({ [FILE]: await writePrices() }),
  });
}
