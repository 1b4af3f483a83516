/**
 * `npm run doctor`: reports everything that makes the logs of a project less than
 * append-only, or, with `--before-install`, the effects of the first push.
 */
import postgres from "postgres";
import { withoutPassword } from "../local/database.ts";
import { StackError } from "../local/stack-error.ts";
import { printUsage, readFlags } from "./command-line.ts";
import { type Effect, previewPush } from "./doctor/before-install.ts";
import {
  findChanged,
  type LedgerFunction,
  readMachinery,
} from "./doctor/machinery.ts";

/** A finding of `ledger.doctor()`. */
export interface Finding {
  /** The check: `guard`, `policy`, `privilege`, … */
  check: string;
  /** The table, trigger, role, … */
  object: string;
  problem: string;
  /** The remedy, as SQL where possible. */
  remedy: string;
}

const CONNECT_TIMEOUT_SECONDS = 10;
const FLAGS = {
  "database-url": { type: "string" },
  "before-install": { type: "boolean" },
} as const;

/** SQLSTATEs of a database without the doctor, and of a role without EXECUTE. */
const NO_DOCTOR = ["42883", "3F000"];
const NOT_ALLOWED = "42501";
/** SQLSTATE of a schema that exists already. */
const INSTALLED = "42P06";

const USAGE = `\
Usage: npm run doctor -- --database-url <url> [--before-install]

Reports what makes the logs of a project less than append-only, one line per finding
with its remedy. Connect as the owner of the logs.

  --database-url <url>  postgresql://user:password@host:port/database
  --before-install      examine a database without the migrations: what the push would
                        take over, create, add, revoke and refuse; changes nothing
  --help                show this text

Exit code 0: nothing found, or nothing that the push refuses; 1: findings; 2: the
database could not be examined.

Example: npm run doctor -- --database-url postgresql://postgres@127.0.0.1:5432/postgres`;

if (import.meta.main) Deno.exit(await runDoctor(Deno.args));

/** Runs the command and returns its exit code. */
export async function runDoctor(args: string[]): Promise<0 | 1 | 2> {
  if (printUsage(args, USAGE)) return 0;
  let findings: Finding[];
  try {
    const { "database-url": url, "before-install": isBefore } = readFlags(
      args,
      FLAGS,
    );
    if (!url) {
      throw new StackError(
        "Cannot examine a database without its URL: expected --database-url postgresql://user:password@host:port/database",
      );
    }
    if (isBefore) return printPreview(await connect(url, previewPush));
    findings = await examine(url);
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    console.error(error.message);
    return 2;
  }
  for (const finding of findings) console.log(printFinding(finding));
  if (findings.length > 0) {
    console.error(
      `${findings.length} ${findings.length === 1 ? "finding" : "findings"}`,
    );
    return 1;
  }
  console.log("The logs are as the migrations made them: append-only");
  return 0;
}

/**
 * Examines a database as the role of the URL, which must own the logs.
 *
 * @throws {StackError} if the database is unreachable or has no doctor.
 */
export async function examine(url: string): Promise<Finding[]> {
  return await connect(url, async (sql) => {
    const found = await sql<LedgerFunction[]>`
      select pronamespace::regnamespace || '.' || proname as name, prosrc as body
      from pg_proc where pronamespace = to_regnamespace('ledger')`;
    const findings = await sql<Finding[]>`select * from ledger.doctor()`;
    const changed = findChangedFunctions(await readMachinery(), found);
    return [...changed, ...findings];
  });
}

async function connect<Result>(
  url: string,
  work: (sql: postgres.Sql) => Promise<Result>,
): Promise<Result> {
  const shown = withoutPassword(url);
  const sql = postgres(url, {
    max: 1,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    onnotice: () => {},
  });
  try {
    return await work(sql);
  } catch (error) {
    throw new StackError(explain(error, shown));
  } finally {
    await sql.end();
  }
}

function printPreview(effects: Effect[]): 0 | 1 {
  for (const { kind, object, effect, statement } of effects) {
    const line = `${kind}: ${object}: ${effect}`;
    console.log(statement === undefined ? line : `${line}\n    ${statement};`);
  }
  const refused = effects.filter(({ kind }) => kind === "refuse").length;
  if (refused === 0) {
    console.log("The push succeeds. Nothing was changed.");
    return 0;
  }
  console.error(
    `The push is refused until you resolve ${refused} ${
      refused === 1 ? "difference" : "differences"
    }. Nothing was changed.`,
  );
  return 1;
}

function findChangedFunctions(
  expected: Map<string, string>,
  found: LedgerFunction[],
): Finding[] {
  return findChanged(expected, found).map((name) => ({
    check: "machinery",
    object: name,
    problem: "differs from the function of this version",
    remedy:
      "Push the migrations if they are newer than the database; else run the function's definition in supabase/schema.sql",
  }));
}

function explain(error: unknown, shown: string): string {
  const { code = "", message } = error as { code?: string; message?: string };
  if (NO_DOCTOR.includes(code)) {
    return `Cannot examine the database at ${shown}: it has no ledger.doctor(); push the migrations first`;
  }
  if (code === INSTALLED) {
    return `The push to the database at ${shown} is refused: ${message}`;
  }
  if (code === NOT_ALLOWED) {
    return `Cannot examine the database at ${shown} as this role: connect as the owner of the logs (${message})`;
  }
  return `Cannot examine the database at ${shown}: ${message || code || error}`;
}

/** A finding on one line, without the line breaks of definitions. */
function printFinding({ check, object, problem, remedy }: Finding): string {
  const line = `${check}: ${object}: ${problem}. Remedy: ${remedy}`;
  return line.replace(/\s+/g, " ").trim();
}
