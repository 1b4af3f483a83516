/**
 * `npm run seal`: seals new rows and signs the tree, by the project's function `ledger`,
 * once or periodically.
 */
import { StackError } from "../local/stack-error.ts";
import { readFlags, runCommand } from "./command-line.ts";
import { postJson, readProject } from "./evidence/project-rest.ts";

const FLAGS = { url: { type: "string" }, every: { type: "string" } } as const;

const MAX_SECONDS = 86_400;

const USAGE = `\
Usage: npm run seal [-- options]

Seals the rows recorded since the last seal and signs the tree, by the project's
function ledger. Rows from before evidence was set up are captured in batches, until
none is left.

  --url <origin>     https://<ref>.supabase.co; default the local stack
  --every <seconds>  repeat until Ctrl-C; a failure after the first time is printed
  --help             show this text

The key is SUPABASE_SECRET_KEY, or the local stack's key.

Example: npm run seal -- --url https://<ref>.supabase.co --every 5`;

if (import.meta.main) await runCommand(USAGE, sealProject);

async function sealProject(args: string[]): Promise<void> {
  const { url, every } = readFlags(args, FLAGS);
  const project = readProject(url);
  const seconds = every === undefined ? null : Number(every);
  if (seconds !== null && !(seconds >= 1 && seconds <= MAX_SECONDS)) {
    throw new StackError(
      `Cannot use --every: expected seconds, from 1 to ${MAX_SECONDS}`,
    );
  }
  const sealOnce = async () => {
    for (let hasBacklog = true; hasBacklog;) {
      const answer = await postJson(project, "/functions/v1/ledger/seal", {});
      console.log(JSON.stringify(answer));
      hasBacklog = Object.hasOwn(answer as object, "backlog");
    }
  };
  await sealOnce();
  while (seconds !== null) {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    // A transient outage of the project must not end the loop.
    await sealOnce().catch((error) => {
      if (!(error instanceof StackError)) throw error;
      console.error(error.message);
    });
  }
}
