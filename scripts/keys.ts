/**
 * `npm run keys`: creates, lists, rotates and revokes the keys of producers, over a
 * project's REST API. The key itself is made here, and only its hash leaves the machine.
 */
import { StackError } from "../local/stack-error.ts";
import {
  createProducerKey,
  hashProducerKey,
} from "../shared/http/producer-keys.ts";
import { isLogSlug, LOG_SLUGS, LOGS_BY_SLUG } from "../shared/logs/index.ts";
import { type FlagValues, readArguments, runCommand } from "./command-line.ts";
import {
  postJson,
  type Project,
  readProject,
} from "./evidence/project-rest.ts";
import { describeKeys, type ListedKey } from "./keys/describe-keys.ts";
import { readDuration, readExpiry, readUuid } from "./keys/read-values.ts";

const FLAGS = {
  "name": { type: "string" },
  "logs": { type: "string" },
  "firm": { type: "string" },
  "project": { type: "string" },
  "agent": { type: "string" },
  "venture": { type: "string" },
  "write-only": { type: "boolean" },
  "expires": { type: "string" },
  "max-usd-day": { type: "string" },
  "max-rows-day": { type: "string" },
  "overlap": { type: "string" },
  "url": { type: "string" },
} as const;

type KeyFlags = FlagValues<typeof FLAGS>;

const USAGE = `\
Usage: npm run -s keys -- create --name <name> --logs <logs> --firm <uuid> [options]
       npm run -s keys -- list
       npm run -s keys -- rotate <id> [--overlap <duration>] [--expires <duration>]
       npm run -s keys -- revoke <id>

Manages producer keys: keys of programs that record events. A producer key adds rows to
its logs, within its scope and below its ceilings; the functions accept it in the
x-ledger-key header or as a bearer, and the REST API does not. The new key is printed on
standard output, once: a project stores only its hash.

create
  --name <name>          whose key it is; the access log shows it
  --logs <logs>          ${LOG_SLUGS.join(",")}
  --firm <uuid>          the firm of every event; 'any' if the producer names it
  --project <uuid>       the project of every event, of this firm
  --agent <uuid>         the agent of every event of tool-usage
  --venture <uuid>       the venture of every event of tool-usage
  --write-only           the key reads nothing; otherwise it reads the rows of its scope
  --expires <duration>   such as 90d or 12h, or never; default 90d
  --max-usd-day <usd>    the costs that it may record in a day of UTC
  --max-rows-day <rows>  the rows that it may record in a day of UTC
rotate
  --overlap <duration>   the time for which the old key stays active; default 1h
  --expires <duration>   of the new key; default 90d
every command
  --url <origin>         https://<ref>.supabase.co; default the local stack
  --help                 show this text

The key to manage with is SUPABASE_SECRET_KEY, or the local stack's key.

Example: npm run -s keys -- create --name gateway --logs llm-usage,tool-usage --firm 10000000-0000-4000-8000-000000000001 --write-only --expires 90d --max-usd-day 50`;

/** The flags of each command, in addition to `--url`. */
const COMMANDS: Record<string, {
  flags: (keyof typeof FLAGS)[];
  takesId: boolean;
  run: (project: Project, flags: KeyFlags, id: string) => Promise<void>;
}> = {
  create: {
    flags: Object.keys(FLAGS).filter((name) => name !== "overlap") as [],
    takesId: false,
    run: create,
  },
  list: { flags: [], takesId: false, run: list },
  rotate: { flags: ["overlap", "expires"], takesId: true, run: rotate },
  revoke: { flags: [], takesId: true, run: revoke },
};

if (import.meta.main) await runCommand(USAGE, manageKeys);

async function manageKeys(args: string[]): Promise<void> {
  const { flags, positionals: [name = "", id] } = readArguments(args, FLAGS, 2);
  if (!Object.hasOwn(COMMANDS, name)) {
    throw new StackError(
      `The command is missing or unknown; pass one of ${
        Object.keys(COMMANDS).join(", ")
      }`,
    );
  }
  const { flags: allowed, takesId, run } = COMMANDS[name];
  const foreign = Object.keys(flags)
    .find((flag) => flag !== "url" && !(allowed as string[]).includes(flag));
  if (foreign !== undefined) {
    throw new StackError(
      `Option '--${foreign}' is not one of ${name}; omit it`,
    );
  }
  if (takesId !== (id !== undefined)) {
    throw new StackError(
      takesId
        ? `The id of a key is missing; pass one that npm run keys -- list shows`
        : `Unexpected argument '${id}'; ${name} takes options only`,
    );
  }
  const uuid = id === undefined ? "" : readUuid("the id", id);
  await run(readProject(flags.url), flags, uuid);
}

async function create(project: Project, flags: KeyFlags): Promise<void> {
  if (flags.name === undefined || flags.logs === undefined) {
    throw new StackError("A key needs --name and --logs; see --help");
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(flags.name)) {
    throw new StackError(
      "Cannot use this --name: expected up to 64 letters, digits, dots, dashes and underscores",
    );
  }
  if (flags.firm === undefined && flags.project === undefined) {
    throw new StackError(
      "A key needs a firm: pass --firm <uuid>, or --firm any for a producer that names the firm of each event",
    );
  }
  const key = createProducerKey();
  const added = await call(project, "add_producer_key", {
    hash: await hashProducerKey(key),
    name: flags.name,
    logs: readLogs(flags.logs),
    scope: readScope(flags),
    can_read: !flags["write-only"],
    expires_at: readExpiry(flags.expires ?? "90d", new Date()),
    max_usd_day: readAmount("max-usd-day", flags, /^\d{1,9}(?:\.\d{1,6})?$/),
    max_rows_day: readAmount("max-rows-day", flags, /^\d{1,12}$/),
  }) as ListedKey;
  show(key, added);
}

/** The value of a ceiling, which is more than 0. */
function readAmount(
  name: "max-usd-day" | "max-rows-day",
  flags: KeyFlags,
  form: RegExp,
): string | undefined {
  const text = flags[name];
  if (text === undefined || form.test(text) && Number(text) > 0) return text;
  throw new StackError(
    `Cannot use --${name}: expected a ${
      name === "max-usd-day" ? "number of US dollars" : "whole number of rows"
    } above 0, such as 50`,
  );
}

function readLogs(list: string): string[] {
  return [...new Set(list.split(","))].map((slug) => {
    if (isLogSlug(slug)) return LOGS_BY_SLUG[slug].table;
    throw new StackError(
      `Cannot use the log ${JSON.stringify(slug)}: expected some of ${
        LOG_SLUGS.join(",")
      }`,
    );
  });
}

function readScope(flags: KeyFlags): Record<string, string> {
  const given = {
    firm_id: flags.firm === "any" ? undefined : flags.firm,
    cma_project_id: flags.project,
    agent_id: flags.agent,
    venture_id: flags.venture,
  };
  return Object.fromEntries(
    Object.entries(given)
      .filter((entry): entry is [string, string] => entry[1] !== undefined)
      .map(([column, text]) => [column, readUuid(column, text)]),
  );
}

async function list(project: Project): Promise<void> {
  const keys = await call(project, "list_producer_keys", {}) as ListedKey[];
  for (const line of describeKeys(keys)) console.log(line);
}

async function rotate(
  project: Project,
  { overlap = "1h", expires = "90d" }: KeyFlags,
  id: string,
): Promise<void> {
  const key = createProducerKey();
  const added = await call(project, "rotate_producer_key", {
    key: id,
    hash: await hashProducerKey(key),
    overlap_seconds: readDuration(overlap),
    expires_at: readExpiry(expires, new Date()),
  });
  if (added === null) {
    throw new StackError(
      "No active key has this id; npm run keys -- list shows them",
    );
  }
  show(key, added as ListedKey);
  console.error(
    `The old key stays active for ${overlap}, if it does not expire before`,
  );
}

async function revoke(project: Project, _: KeyFlags, id: string) {
  const revoked = await call(project, "revoke_producer_key", { key: id });
  if (revoked === null) {
    throw new StackError("No key has this id; npm run keys -- list shows them");
  }
  console.log(
    `Revoked ${
      (revoked as ListedKey).name
    }: it records nothing from now on, and reads nothing after at most a minute`,
  );
}

async function call(project: Project, name: string, parameters: unknown) {
  return await postJson(project, `/rest/v1/rpc/${name}`, parameters);
}

/** Prints the key alone on standard output, so that a script can take it. */
function show(key: string, added: ListedKey): void {
  for (const line of describeKeys([added])) console.error(line);
  console.error("The key, which is not shown again:");
  console.log(key);
}
