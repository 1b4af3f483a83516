/**
 * `npm run token`: prints a user's token for the running stack, and nothing else.
 *
 *     deno run -A local/token.ts --user <uuid> [--role chairman] [--expires-in 3600]
 *
 * `--role` goes to `app_metadata.role`. The token names its issuer, so `PORT` or
 * `--url` has to say where the stack runs when that is not the default.
 */
import { readFlags, readPort, runCommand } from "./command-line.ts";
import { GATEWAY_HOSTNAME } from "./gateway.ts";
import { DEFAULT_PORT, defaultDataDir } from "./stack-defaults.ts";
import { StackError } from "./stack-error.ts";
import { openTokens, signUserToken } from "./tokens.ts";

const FLAGS = {
  "user": { type: "string" },
  "role": { type: "string" },
  "expires-in": { type: "string" },
  "url": { type: "string" },
  "data-dir": { type: "string" },
  "project-dir": { type: "string" },
} as const;

if (import.meta.main) await runCommand(printToken);

async function printToken(args: string[]): Promise<void> {
  const flags = readFlags(args, FLAGS);
  if (flags.user === undefined) {
    throw new StackError(
      "Cannot sign a token for nobody: wanted --user <uuid>",
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
      }: wanted one like http://127.0.0.1:54321`,
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
      }: wanted a whole number of seconds`,
    );
  }
  return Number(given);
}
