/**
 * `npm run token`: prints a user's token for the running stack, and nothing else.
 *
 *     deno run -A scripts/token.ts --user <uuid> [--role chairman] [--expires-in 3600]
 *
 * `--role` goes to `app_metadata.role`. The token names its issuer, so `PORT` or
 * `--url` has to say where the stack runs when that is not the default.
 */
import { GATEWAY_HOSTNAME } from "../local/gateway.ts";
import { DEFAULT_PORT, defaultDataDir } from "../local/stack-defaults.ts";
import { StackError } from "../local/stack-error.ts";
import { openTokens, signUserToken } from "../local/tokens.ts";
import { readFlags, readPort, runCommand } from "./command-line.ts";

const FLAGS = {
  "user": { type: "string" },
  "role": { type: "string" },
  "expires-in": { type: "string" },
  "url": { type: "string" },
  "data-dir": { type: "string" },
  "project-dir": { type: "string" },
} as const;

const USAGE = `\
Usage: npm run -s token -- --user <uuid> [options]

Prints a token of a user for the running local stack, and nothing else.

  --user <uuid>          the subject of the token
  --role <role>          app_metadata.role, such as chairman
  --expires-in <seconds> default 3600
  --port <n>             the stack's port, when it is not the default or PORT
  --url <origin>         the stack's origin, instead of --port
  --data-dir <folder>    the stack's data folder; default .local
  --help                 show this text

Example: npm run -s token -- --user 20000000-0000-4000-8000-000000000001`;

if (import.meta.main) await runCommand(USAGE, printToken);

async function printToken(args: string[]): Promise<void> {
  const flags = readFlags(args, FLAGS);
  if (flags.user === undefined) {
    throw new StackError(
      "Cannot sign a token without a user: expected --user <uuid>",
    );
  }
  const dataDir = flags["data-dir"] ?? defaultDataDir(flags["project-dir"]);
  const tokens = await openTokens(dataDir, readStackUrl(flags.url));
  console.log(
    await signUserToken(tokens, flags.user, {
      role: flags.role,
      expiresIn: readSeconds(flags["expires-in"]),
    }),
  );
}

function readStackUrl(given: string | undefined): string {
  if (given === undefined) {
    const port = readPort(Deno.env.get("PORT")) ?? DEFAULT_PORT;
    return `http://${GATEWAY_HOSTNAME}:${port}`;
  }
  const url = URL.parse(given);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new StackError(
      `Cannot use the URL ${
        JSON.stringify(given)
      }: expected one like http://127.0.0.1:54321`,
    );
  }
  return url.origin;
}

function readSeconds(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (!/^\d{1,9}$/.test(given)) {
    throw new StackError(
      `Cannot use the lifetime ${
        JSON.stringify(given)
      }: expected a whole number of seconds`,
    );
  }
  return Number(given);
}
