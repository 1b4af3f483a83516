/**
 * `npm run prices:import`: imports the prices of the installed genai-prices into a
 * project, over its REST API, after it has shown the differences.
 */
import { SECRET_KEY } from "../local/keys.ts";
import { StackError } from "../local/stack-error.ts";
import { printUsage, readFlags, readOrigin } from "./command-line.ts";
import { describeImport } from "./prices/describe-import.ts";
import { type Project, requestImport } from "./prices/import-request.ts";
import { completePrices } from "./prices/complete-prices.ts";
import { readPublishedPrices } from "./prices/published-prices.ts";

const FLAGS = {
  "url": { type: "string" },
  "yes": { type: "boolean" },
  "accept-suspicious": { type: "boolean" },
} as const;

const USAGE = `\
Usage: npm run prices:import [-- options]

Enters the prices of the installed genai-prices into a project, over its REST API.
It shows the differences and asks before it enters them.

  --url <origin>       https://<ref>.supabase.co; default the local stack
  --yes                enter without asking
  --accept-suspicious  also enter prices that look like an error: ten times the one
                       before or a tenth of it, to or from 0, or removed
  --help               show this text

The key is SUPABASE_SECRET_KEY, or the local stack's key. Exit code 0: entered, or
nothing to enter; 1: nothing entered.

Example: npm run prices:import -- --url https://<ref>.supabase.co`;

if (import.meta.main) Deno.exit(await runImport(Deno.args));

/**
 * Runs the command and returns its exit code.
 *
 * @param ask Confirms the import; the default prompts on a terminal, and refuses without
 *   one.
 */
export async function runImport(
  args: string[],
  ask: (question: string) => boolean = confirm,
): Promise<0 | 1> {
  if (printUsage(args, USAGE)) return 0;
  try {
    const flags = readFlags(args, FLAGS);
    const project = {
      url: readOrigin(flags.url, "https://<ref>.supabase.co"),
      key: Deno.env.get("SUPABASE_SECRET_KEY") || SECRET_KEY,
    };
    return await importPrices(project, {
      acceptSuspicious: flags["accept-suspicious"] ?? false,
      agreed: () => flags.yes || ask("Enter these prices?"),
    });
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    console.error(error.message);
    return 1;
  }
}

async function importPrices(
  project: Project,
  { acceptSuspicious, agreed }: {
    acceptSuspicious: boolean;
    agreed: () => boolean;
  },
): Promise<0 | 1> {
  const { source, rows } = await readPublishedPrices();
  const prices = { source, rows: completePrices(rows) };
  const found = await requestImport(project, prices, {
    apply: false,
    acceptSuspicious,
  });
  console.log(`${prices.source} into ${project.url}`);
  for (const line of describeImport(found)) console.log(line);
  if (found.withheld > 0) {
    console.log("To enter suspicious prices as well, pass --accept-suspicious");
  }
  if (found.new + found.corrected === found.withheld) {
    console.log("Nothing to enter");
    return 0;
  }
  if (!agreed()) {
    console.error(
      "Nothing was entered; answer y at the prompt, or pass --yes if there is no terminal",
    );
    return 1;
  }
  const { entered } = await requestImport(project, prices, {
    apply: true,
    acceptSuspicious,
  });
  console.log(`${entered} prices entered`);
  return 0;
}
