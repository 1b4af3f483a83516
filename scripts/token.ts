/**
 * `npm run token`: prints a token of a user for the running stack, and nothing else.
 * The token names its issuer, so `PORT` or `--url` must name a stack that does not run
 * on the default port.
 */
import { defaultDataDir } from "../local/stack-defaults.ts";
import { StackError } from "../local/stack-error.ts";
import { openTokens, signUserToken } from "../local/tokens.ts";
import { requireProject } from "../local/project-config.ts";
import { readFlags, readOrigin, runCommand } from "./command-line.ts";

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
  --url <origin>         the stack's origin, if it is neither the default nor on PORT
  --data-dir <folder>    the stack's data folder; default .local in the project
  --project-dir <folder> the project that the stack serves; default this project
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
  const projectDir = flags["project-dir"];
  if (projectDir !== undefined) await requireProject(projectDir);
  const dataDir = flags["data-dir"] ?? defaultDataDir(projectDir);
  const tokens = await openTokens(
    dataDir,
    readOrigin(flags.url, "http://127.0.0.1:54321"),
  );
  console.log(
    await signUserToken(tokens, flags.user, {
      role: flags.role,
      expiresIn: readSeconds(flags["expires-in"]),
    }),
  );
}

function readSeconds(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (!/^\d{1,9}$/.test(given)) {
    throw new StackError(
      `Cannot use the lifetime ${
        JSON.stringify(given)
      }: expected a whole number of seconds, from 0 to 999999999`,
    );
  }
  return Number(given);
}
