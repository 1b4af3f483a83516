/**
 * The effects of the migrations on a database without them: the first migration, which
 * decides them, runs in a transaction that is rolled back.
 */
import type postgres from "postgres";

/** One line of the report. */
export interface Effect {
  /** `take over`, `keep`, `create`, `add index`, `add policy`, `grant`, `revoke`, `refuse`, … */
  kind: string;
  /** The table, constraint, column, … */
  object: string;
  /** The change of the object, or the problem with it. */
  effect: string;
  /** The statement that the push runs, or the remedy for a refusal. */
  statement?: string;
}

const TABLES = new URL(
  "../../supabase/migrations/20261201010000_tables.sql",
  import.meta.url,
);

/** The effect of each kind whose object needs no further query. */
const EFFECTS: Record<string, string> = {
  keep: "stays as it is",
  create: "is created",
  "rename index":
    "is created, with an index of another name, because the name is taken",
  "add index": "gains an index",
  "enable row security":
    "gains row security: anon and authenticated then see and insert only what a policy admits",
  "add policy": "gains a policy",
  "leave out":
    "is left out, because the project has policies for these rows; run the statement if it should apply",
  grant: "gains a privilege that the functions need",
  revoke: "loses privileges that an append-only log forbids",
  advise:
    "cannot be read by service_role, so every event that refers to it is rejected until you grant it",
};

/**
 * The effects of a push, refusals first. Changes nothing, and locks no table against
 * writers.
 *
 * @throws {postgres.PostgresError} with SQLSTATE 42P06 when the schema `ledger` exists.
 */
export async function previewPush(sql: postgres.Sql): Promise<Effect[]> {
  const script = await Deno.readTextFile(TABLES);
  const effects: Effect[] = [];
  class Rollback extends Error {}
  try {
    await sql.begin(async (open) => {
      await open`set local ledger.examine_only = 'on'`;
      await open.unsafe(script);
      const differences = await open<
        { object: string; problem: string; remedy: string }[]
      >`select * from ledger_draft.differences()`;
      for (const { object, problem, remedy } of differences) {
        effects.push({
          kind: "refuse",
          object,
          effect: problem,
          statement: remedy,
        });
      }
      const plan = await open<
        { kind: string; object: string; statement: string | null }[]
      >`select * from ledger_draft.plan()`;
      for (const { kind, object, statement } of plan) {
        const effect = kind === "take over"
          ? await describeTakeover(open, object)
          : EFFECTS[kind];
        effects.push({
          kind,
          object,
          effect,
          statement: statement ?? undefined,
        });
      }
      throw new Rollback();
    });
  } catch (error) {
    if (!(error instanceof Rollback)) throw error;
  }
  return effects;
}

async function describeTakeover(
  sql: postgres.TransactionSql,
  table: string,
): Promise<string> {
  const [{ kind }] = await sql<{ kind: string }[]>`
    select relkind as kind from pg_class where oid = ${table}::regclass`;
  if (kind !== "r") return "is not a plain table";
  const [{ count }] = await sql.unsafe(
    `select count(*) as count from ${table}`,
  );
  const further = await sql<{ name: string }[]>`
    select quote_ident(a.attname) as name from pg_attribute a
    join ledger.logs l on to_regclass(format('public.%I', l.name)) = a.attrelid
    where a.attrelid = ${table}::regclass and a.attnum > 0 and not a.attisdropped
      and a.attname <> all (l.columns) order by a.attnum`;
  const columns = further.map(({ name }) => name).join(", ");
  return [
    `stays, with its ${count} rows, which get evidence`,
    "becomes append-only: UPDATE, DELETE, TRUNCATE and upserts are refused",
    ...columns
      ? [
        `keeps ${columns}, which recording ignores, reading does not show and evidence does not cover`,
      ]
      : [],
  ].join("; ");
}
