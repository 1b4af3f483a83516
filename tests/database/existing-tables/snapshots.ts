import type { Query } from "../../support/databases.ts";

/**
 * What a database holds of the tables that a project had before the first push.
 *
 * @module
 */

/** A fact of the catalog that has to stay, as text. */
type Facts = Record<string, string[]>;

/** Roles that requests come with, whose grants are looked at. */
const ROLES = ["anon", "authenticated", "service_role"];

/** The rows of tables, in the order of their texts. */
export async function readRows(
  query: Query,
  tables: readonly string[],
): Promise<Record<string, string[]>> {
  const rows: Record<string, string[]> = {};
  for (const table of tables) {
    const found = await query<{ row: string }>(
      `select to_jsonb(t)::text as row from public.${table} t order by 1`,
    );
    rows[table] = found.map(({ row }) => row);
  }
  return rows;
}

/** Columns, constraints, indexes, policies, triggers, grants and comments, one text for each. */
export async function readFacts(
  query: Query,
  tables: readonly string[],
): Promise<Facts> {
  const facts = await query<{ kind: string; fact: string }>(
    `with own as (select * from pg_class where oid = any ($1::regclass[]))
      select 'column' as kind, concat_ws(' ', o.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
        a.attnotnull, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid)) as fact
      from own o join pg_attribute a on a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = o.oid and d.adnum = a.attnum
      union all
      select 'constraint', concat_ws(' ', o.relname, k.conname, pg_get_constraintdef(k.oid))
      from own o join pg_constraint k on k.conrelid = o.oid
      union all
      select 'index', pg_get_indexdef(i.indexrelid) from own o join pg_index i on i.indrelid = o.oid
      union all
      select 'policy', to_jsonb(y)::text from own o join pg_policies y on y.tablename = o.relname
      where y.schemaname = 'public'
      union all
      select 'trigger', pg_get_triggerdef(t.oid) from own o join pg_trigger t on t.tgrelid = o.oid
      where not t.tgisinternal
      union all
      select 'comment', concat_ws(' ', o.relname, c.objsubid, c.description)
      from own o join pg_description c on c.objoid = o.oid and c.classoid = 'pg_class'::regclass
      union all
      select 'table', concat_ws(' ', o.relname, o.relkind, o.relpersistence, o.relowner::regrole, o.reloptions)
      from own o
      union all
      select 'row security', concat_ws(' ', o.relname, o.relrowsecurity, o.relforcerowsecurity) from own o
      union all
      select 'grant', concat_ws(' ', a.grantee::regrole, a.privilege_type, a.is_grantable, 'on', o.relname)
      from own o, aclexplode(o.relacl) a
      order by 1, 2`,
    [tables.map((table) => `public.${table}`)],
  );
  return Object.fromEntries(
    Map.groupBy(facts, ({ kind }) => kind).entries().map((
      [kind, list],
    ) => [kind, list.map(({ fact }) => fact)]),
  );
}

/** The facts that a log keeps when it is taken over: what may change is left out. */
export function keptOfLog(facts: Facts): Facts {
  const { "row security": _, ...kept } = facts;
  kept.grant = facts.grant.filter((grant) =>
    !ROLES.some((role) => grant.startsWith(`${role} `)) ||
    / (SELECT|INSERT) /.test(grant)
  );
  return kept;
}

/** Which of some facts are no longer there. */
export function missingFrom(now: Facts, before: Facts): string[] {
  return Object.entries(before).flatMap(([kind, facts]) =>
    facts.filter((fact) => !now[kind]?.includes(fact))
  );
}

/** The definitions of functions of the project's own, with their grants. */
export function readFunctions(query: Query): Promise<unknown[]> {
  return query(
    `select pg_get_functiondef(p.oid) as definition, p.proacl::text as grants, obj_description(p.oid, 'pg_proc')
      from pg_proc p where p.oid = to_regprocedure('public.fn_is_chairman()')`,
  );
}

/** Everything that the catalog has besides the system's own, as one text per object. */
export async function readCatalog(query: Query): Promise<string[]> {
  const ours = `n.nspname !~ '^(pg_|information_schema|supabase_migrations)'`;
  const found = await query<{ object: string }>(
    `select 'schema ' || n.nspname || coalesce(n.nspacl::text, '') as object from pg_namespace n where ${ours}
      union all
      select concat_ws(' ', 'relation', n.nspname, c.relname, c.oid, c.relkind, c.relpersistence, c.relrowsecurity,
        c.relacl::text, c.relfilenode, (select string_agg(concat_ws(' ', a.attname, a.atttypid::regtype, a.atttypmod,
            a.attnotnull, a.atthasdef, a.attacl::text), ', ' order by a.attnum)
          from pg_attribute a where a.attrelid = c.oid and a.attnum > 0))
      from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${ours}
      union all
      select concat_ws(' ', 'constraint', n.nspname, k.conname, k.oid, pg_get_constraintdef(k.oid))
      from pg_constraint k join pg_namespace n on n.oid = k.connamespace where ${ours}
      union all
      select concat_ws(' ', 'function', n.nspname, p.oid::regprocedure, p.prosrc, p.proacl::text)
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${ours}
      union all
      select concat_ws(' ', 'type', n.nspname, t.oid::regtype)
      from pg_type t join pg_namespace n on n.oid = t.typnamespace where ${ours}
      union all select 'policy ' || to_jsonb(y)::text from pg_policies y
      union all select 'trigger ' || pg_get_triggerdef(t.oid) from pg_trigger t
      union all select 'default privileges ' || to_jsonb(d)::text from pg_default_acl d
      order by 1`,
  );
  return found.map(({ object }) => object);
}
