import { permitSigner } from "../../../shared/evidence/ledger-keys.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Arguments,
  ID,
  makeArguments,
  PRODUCER,
  SECRET,
} from "./call-arguments.ts";
import {
  type ApiRole,
  SERVER_ONLY,
  type TestDatabase,
} from "../../support/databases.ts";
import {
  addAudit,
  addBudget,
  addLlmUsage,
  addModelUsage,
  addToolUsage,
  insertParents,
} from "../../support/log-rows.ts";
import {
  openOwnedDatabase,
  type OwnedDatabase,
  OWNER,
} from "../../support/owned-database.ts";

/**
 * Objects of a caller's own in `pg_temp`, each under a name that a privileged function
 * uses. Postgres looks there first for types and relations unless the function's path
 * says otherwise, and would run the caller's code as the owner.
 *
 * @module
 */

/** Counts, even in a transaction that is rolled back, the runs as the owner. */
const PAYLOAD = `
  create temp sequence hits;
  grant usage on sequence pg_temp.hits to public;
  create function pg_temp.payload() returns pg_catalog.bool language plpgsql as $$ begin
    if current_user = '${OWNER}' then perform pg_catalog.nextval('pg_temp.hits'); end if;
    return true;
  end $$`;

/** Every word in the body of a function of the project. */
const WORDS = `
  select distinct pg_catalog.lower(w.word[1]) as word
  from pg_catalog.pg_proc p, pg_catalog.regexp_matches(p.prosrc, '[a-zA-Z_][a-zA-Z0-9_]*', 'g') w (word)
  where p.pronamespace in ('public'::pg_catalog.regnamespace, 'ledger'::pg_catalog.regnamespace)`;

/** The schemas in which those words may name something. */
const SCHEMAS =
  "array['pg_catalog', 'public', 'ledger']::pg_catalog.regnamespace[]";

/**
 * Statements that create the shadows of a kind, as rows of \`statement\`. One that is
 * not possible, such as a domain over a pseudo-type, is passed over.
 */
const SHADOWS: Record<string, string> = {
  types: `
    select pg_catalog.format('create domain pg_temp.%I as %s check (pg_temp.payload())',
      t.typname, pg_catalog.format('%I.%I', n.nspname, t.typname)) as statement
    from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    where t.typnamespace = any (${SCHEMAS}) and t.typtype <> 'p'
      and t.typname in (${WORDS})`,
  relations: `
    select pg_catalog.format('create temp view %I as select %s where pg_temp.payload()', c.relname,
      pg_catalog.string_agg(pg_catalog.format('null::%s as %I',
        pg_catalog.format_type(a.atttypid, a.atttypmod), a.attname), ', ' order by a.attnum)) as statement
    from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = any (${SCHEMAS}) and c.relkind in ('r', 'v', 'm', 'p')
      and c.relname in (${WORDS})
    group by c.oid, c.relname`,
  functions: `
    select pg_catalog.format('create function pg_temp.%I(%s) returns %s language plpgsql as %L', p.proname,
      pg_catalog.pg_get_function_identity_arguments(p.oid),
      pg_catalog.pg_get_function_result(p.oid),
      case when p.proretset then 'begin perform pg_temp.payload(); return; end'
        else 'begin perform pg_temp.payload(); return null; end' end) as statement
    from pg_catalog.pg_proc p
    where p.pronamespace = any (${SCHEMAS}) and p.prokind = 'f' and p.proname in (${WORDS})`,
  operators: `
    select pg_catalog.format('create function pg_temp.operator_%s(%s, %s) returns %s language plpgsql as %L;
      create operator pg_temp.%s (leftarg = %2$s, rightarg = %3$s, function = pg_temp.operator_%1$s)', o.oid,
      o.oprleft::pg_catalog.regtype, o.oprright::pg_catalog.regtype, o.oprresult::pg_catalog.regtype,
      'begin perform pg_temp.payload(); return null; end', o.oprname) as statement
    from pg_catalog.pg_operator o
    where o.oprkind = 'b' and o.oprnamespace = 'pg_catalog'::pg_catalog.regnamespace
      and exists (select from pg_catalog.pg_proc p
        where p.pronamespace in ('public'::pg_catalog.regnamespace, 'ledger'::pg_catalog.regnamespace)
          and pg_catalog.strpos(p.prosrc, ' ' || o.oprname || ' ') > 0)`,
};

/**
 * Functions whose path leaves pg_temp at its beginning. (Postgres never looks there for
 * functions and operators.)
 */
const WEAK = `
  create function public.weak_types() returns bool language plpgsql security definer set search_path = pg_catalog
    as 'declare t timestamptz := now(); begin return true; end';
  create function public.weak_relations() returns bool language plpgsql security definer set search_path = pg_catalog
    as 'begin return exists (select from pg_class); end';
  grant execute on function public.weak_types(), public.weak_relations() to service_role`;

/** The roles of callers, each with the functions that it may execute. */
const ROLES: ApiRole[] = ["service_role", "authenticated"];

/** A call of a function, by its signature. */
type Call = { signature: string; sql: string };

/** A call of every function that the role may execute, with all of its arguments. */
async function makeCalls(
  db: TestDatabase,
  role: ApiRole,
  values: Arguments,
): Promise<Call[]> {
  const functions = await db.query<{
    signature: string;
    path: string;
    name: string;
    names: string[] | null;
    types: string[];
  }>(
    `select p.oid::regprocedure::text as signature, format('%I.%I', n.nspname, p.proname) as path,
      p.proname as name, p.proargnames[1:p.pronargs] as names,
      array(select format('%I.%I', tn.nspname, t.typname)
        from unnest(p.proargtypes::oid[]) with ordinality a (oid, place)
        join pg_type t on t.oid = a.oid join pg_namespace tn on tn.oid = t.typnamespace order by place) as types
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname in ('public', 'ledger') and has_function_privilege($1::text, p.oid, 'execute')
    order by 1`,
    [role],
  );
  return functions.map(({ signature, path, name, names, types }) => {
    const list = types.map((type, index) => {
      const argument = names![index];
      const key = [`${name}.${argument}`, argument]
        .find((key) => Object.hasOwn(values, key));
      if (key === undefined) throw new Error(`No value for ${signature}`);
      const value = values[key];
      const literal = value === null ? "null" : `'${value}'`;
      return `${literal}::${type}`;
    });
    return { signature, sql: `select ${path}(${list.join(", ")})` };
  });
}

/** Writes to the logs themselves, whose triggers run as the owner. */
async function makeWrites(
  db: TestDatabase,
  role: ApiRole,
  ids: Record<string, string>,
): Promise<Call[]> {
  const tables = await db.query<{ name: string; insert: boolean }>(
    `select relname as name, has_table_privilege($1::text, oid, 'insert') as insert from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1`,
    [role],
  );
  return tables.filter(({ name, insert }) => insert && ids[name])
    .map(({ name }) => ({
      signature: `insert into ${name}`,
      sql:
        `insert into public.${name} select (pg_catalog.jsonb_populate_record(t,
        pg_catalog.jsonb_build_object('id', '${ID}'))).* from public.${name} t where t.id = '${
          ids[name]
        }'`,
    }));
}

describe.each(SERVER_ONLY)("on $name", (engine) => {
  let db: OwnedDatabase;
  let values: Arguments;
  const ids: Record<string, string> = {};
  beforeAll(async () => {
    db = await openOwnedDatabase(engine);
    const world = await insertParents(db);
    const { firm1: firm_id, user1: user_id } = world;
    ids.llm_usage_log = await addLlmUsage(db.query, { firm_id });
    ids.audit_log = await addAudit(db.query, { firm_id, user_id });
    ids.model_usage_log = await addModelUsage(db.query);
    ids.tool_usage_ledger = await addToolUsage(db.query, {
      agent_id: world.agent,
      tool_id: world.tool,
    });
    await addBudget(db.query, { firm_id });
    await db.query(permitSigner("checkpoint", SECRET));
    await db.query(permitSigner("cosignature", SECRET));
    await db.query(
      `insert into ledger.producer_keys (id, family, hash, name, logs, can_read, max_rows_day)
       values ($1, $1, sha256('x'), 'gateway', '{audit_log}', true, 100)`,
      [PRODUCER],
    );
    await db.exec("select ledger.seal()");
    await addAudit(db.query, { firm_id, user_id });
    values = makeArguments({ ...world }, ids);
    await db.attempt("owner", WEAK);
  });
  afterAll(() => db.close());

  /** The outcome of each call in a new session: "ok" or a SQLSTATE, and whether code of the caller's ran as the owner. */
  async function run(role: ApiRole, calls: Call[], shadows?: string) {
    const session = await db.connect(role);
    try {
      const claims = JSON.stringify({
        role,
        sub: values.actor,
        app_metadata: { role: "chairman" },
      });
      await session.exec(
        `set request.jwt.claims = '${claims}'; ${PAYLOAD}`,
      );
      const statements = shadows === undefined
        ? []
        : await session.query<{ statement: string }>(shadows);
      let created = 0;
      for (const { statement } of statements) {
        if (await attempt(session, statement) === "ok") created++;
      }
      const outcomes: Record<string, string> = {};
      const hits: string[] = [];
      let last = 0;
      for (const { signature, sql } of calls) {
        outcomes[signature] = await attempt(session, sql, true);
        const [{ count }] = await session.query<{ count: number }>(
          "select case when is_called then last_value else 0 end::pg_catalog.int4 as count from pg_temp.hits",
        );
        if (count > last) hits.push(signature);
        last = count;
      }
      return { outcomes, hits, created };
    } finally {
      await session.close();
    }
  }

  const callsOf = async (role: ApiRole) => [
    ...await makeCalls(db, role, values),
    ...await makeWrites(db, role, ids),
  ];

  test.each(["types", "relations"])(
    "a function that leaves %s of a caller first is found",
    async (kind) => {
      const calls = await callsOf("service_role");
      const { hits } = await run("service_role", calls, SHADOWS[kind]);
      expect(hits).toEqual([`weak_${kind}()`]);
    },
  );

  describe.each(ROLES)("%s", (role) => {
    test("reaches every function with these arguments", async () => {
      const { outcomes } = await run(role, await callsOf(role));
      const failed = Object.entries(outcomes).filter(([, code]) =>
        code !== "ok"
      );
      expect(Object.fromEntries(failed)).toEqual({});
    });

    test.each(Object.entries(SHADOWS))(
      "runs no code of its own as the owner by %s of its own",
      async (_kind, shadows) => {
        const calls = (await callsOf(role))
          .filter(({ signature }) => !signature.startsWith("weak_"));
        const plain = await run(role, calls);
        const shadowed = await run(role, calls, shadows);

        expect(shadowed.created).toBeGreaterThan(30);
        expect(shadowed.hits).toEqual([]);
        expect(shadowed.outcomes).toEqual(plain.outcomes);
      },
    );
  });
});

/**
 * Runs a statement in a transaction of its own, undone if it is to be: a long transaction
 * would hold back the lists of every database of the server.
 */
async function attempt(
  session: TestDatabase,
  statement: string,
  undo = false,
): Promise<string> {
  try {
    await session.exec(undo ? `begin; ${statement}` : statement);
    return "ok";
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    if (undo) await session.exec("rollback");
  }
}
