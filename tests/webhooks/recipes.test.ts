import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  FIRM,
  newId,
  NOBODY,
  OTHER_FIRM,
  USER,
} from "../support/running-stack.ts";
import { createEntry } from "../support/supabase-payloads.ts";
import { countRows, useReceiver } from "../support/receiving-stack.ts";
import { createKey } from "../support/producer-keys.ts";

/** The SQL of a recipe, as the pages of documentation show it. */
const readRecipe = (name: string) =>
  Deno.readTextFileSync(
    new URL(`../../supabase/recipes/${name}.sql`, import.meta.url),
  );

/**
 * What a hosted project has and this server has not: pg_net's tables and
 * functions, the Vault, pg_cron and the trigger of Database Webhooks. A request is
 * only put down; the test sends it.
 */
const PLATFORM = `
create schema net;
create table net.requests (
  id bigint generated always as identity, url text, body jsonb, headers jsonb);
create table net._http_response (
  id bigint, status_code int, content_type text, headers jsonb, content text,
  timed_out boolean, error_msg text, created timestamptz default now());
create function net.http_post(
  url text, body jsonb default '{}', params jsonb default '{}',
  headers jsonb default '{"Content-Type": "application/json"}', timeout_milliseconds int default 5000
) returns bigint language sql
as $$ insert into net.requests (url, body, headers) values (url, body, headers) returning id $$;

create schema vault;
create table vault.decrypted_secrets (name text, decrypted_secret text);

create schema cron;
create table cron.job (name text, schedule text, command text);
create function cron.schedule(name text, schedule text, command text) returns bigint language sql
as $$ insert into cron.job values (name, schedule, command) returning 1::bigint $$;

create schema supabase_functions;
create function supabase_functions.http_request() returns trigger language plpgsql security definer
as $$
begin
  if tg_argv[1] <> 'POST' then raise exception 'no POST'; end if;
  perform net.http_post(tg_argv[0], jsonb_build_object('old_record', old, 'record', new,
    'type', tg_op, 'table', tg_table_name, 'schema', tg_table_schema),
    tg_argv[3]::jsonb, tg_argv[2]::jsonb, tg_argv[4]::int);
  return coalesce(new, old);
end
$$;

create table public.invoices (id uuid primary key, firm_id uuid, status text, amount numeric);
`;

describe("the recipes, on PostgreSQL with stand-ins for the platform,", () => {
  const ledger = useReceiver("PostgreSQL 17");
  let sql: postgres.Sql;
  let key: string;

  /** A recipe with this stack's URL and key in the places of a project's. */
  const fillIn = (recipe: string) =>
    recipe.replaceAll("https://<ref>.supabase.co", ledger.stack.url)
      .replaceAll("lfk_…", key)
      .replaceAll("<uuid>", OTHER_FIRM);

  beforeAll(async () => {
    sql = postgres(ledger.databaseUrl!, { max: 1, onnotice: () => {} });
    await sql.unsafe(PLATFORM);
    ({ key } = await createKey(ledger, { logs: ["audit_log"], scope: {} }));
    await sql`insert into vault.decrypted_secrets
      values ('ledger_key', ${key})`;
    for (const name of ["database-webhook", "outbox", "auth-audit-log"]) {
      await sql.unsafe(fillIn(readRecipe(name)));
    }
  });
  afterAll(() => sql?.end());

  type Request = {
    id: string;
    url: string;
    body: unknown;
    headers: Record<string, string>;
  };

  /** The requests that were put down since the last time. */
  const takeRequests = () =>
    sql<Request[]>`delete from net.requests returning *`;

  /** Sends a request as pg_net does; its answer is kept. */
  async function deliver({ id, url, body, headers }: Request) {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    const content = await response.text();
    await sql`insert into net._http_response (id, status_code, content)
      values (${id}, ${response.status}, ${content})`;
    return response.status;
  }

  const insertInvoice = async (firm: string) => {
    const id = newId();
    await sql`insert into public.invoices values (${id}, ${firm}, 'draft', 1)`;
    return id;
  };

  const events = () =>
    sql`select id, event, refused from outbox.events order by position`;

  test("the trigger of a Database Webhook sends audit events", async () => {
    const id = await insertInvoice(FIRM);
    await sql`update public.invoices set amount = 2 where id = ${id}`;
    await sql`delete from public.invoices where id = ${id}`;
    const requests = await takeRequests();
    expect(requests).toHaveLength(3);
    for (const request of requests) expect(await deliver(request)).toBe(201);
    const rows = await ledger.rows("audit_log", { entity_id: id });
    expect(rows.map(({ action }) => action).sort())
      .toEqual(["delete", "insert", "update"]);
    await sql`delete from outbox.events`;
  });

  test("the trigger on Auth's log sends the entry with its own id", async () => {
    const { payload } = createEntry();
    const id = newId();
    await sql`insert into auth.audit_log_entries
      (id, payload, created_at, ip_address)
      values (${id}, ${sql.json(payload as never)}, now(), '203.0.113.7')`;
    const [request] = await takeRequests();
    expect(await deliver(request)).toBe(201);
    expect(await ledger.rows("audit_log", { id })).toMatchObject([
      { firm_id: OTHER_FIRM, user_id: USER, action: "login" },
    ]);
  });

  test("the outbox keeps an event until it is acknowledged", async () => {
    const id = await insertInvoice(FIRM);
    await takeRequests();
    const [entry] = await events();
    expect(entry.event).toMatchObject({
      id: entry.id,
      firm_id: FIRM,
      action: "insert",
      entity_type: "invoices",
      entity_id: id,
    });
    // Nothing answers the first two requests: the network is down.
    for (const _ of [1, 2]) {
      await sql`select outbox.send()`;
      expect(await takeRequests()).toHaveLength(1);
      await sql`select outbox.send()`;
      expect(await takeRequests()).toHaveLength(0);
      await sql`update outbox.events set sent_at = sent_at - interval '2 minutes'`;
    }
    await sql`select outbox.send()`;
    const [request] = await takeRequests();
    expect(await deliver(request)).toBe(201);
    // The answer is lost, so that the same event is sent once more.
    await sql`delete from net._http_response`;
    await sql`update outbox.events set sent_at = sent_at - interval '2 minutes'`;
    await sql`select outbox.send()`;
    const [again] = await takeRequests();
    expect(await deliver(again)).toBe(200);
    await sql`select outbox.send()`;
    expect(await events()).toHaveLength(0);
    expect(await takeRequests()).toHaveLength(0);
    expect(await ledger.rows("audit_log", { entity_id: id })).toMatchObject([
      { id: entry.id, action: "insert" },
    ]);
  });

  test("the outbox does not send a change that is rolled back", async () => {
    await sql.begin(async (sql) => {
      await sql`insert into public.invoices values (${newId()}, ${FIRM}, 'x', 1)`;
      throw new Error("changed my mind");
    }).catch(() => {});
    expect(await events()).toHaveLength(0);
  });

  test("the outbox keeps a rejected event with the reason, and sends the others", async () => {
    await insertInvoice(NOBODY);
    const good = await insertInvoice(FIRM);
    await takeRequests();
    await sql`select outbox.send()`;
    const [request] = await takeRequests();
    expect(await deliver(request)).toBe(207);
    await sql`select outbox.send()`;
    const kept = await events();
    expect(kept).toMatchObject([
      { refused: { errors: [{ pointer: "/firm_id", code: "not_found" }] } },
    ]);
    await sql`update outbox.events set sent_at = sent_at - interval '2 minutes'`;
    await sql`select outbox.send()`;
    expect(await takeRequests()).toHaveLength(0);
    expect(await ledger.rows("audit_log", { entity_id: good })).toHaveLength(1);
    await sql`delete from outbox.events`;
  });

  test("the outbox retries after a rejected key", async () => {
    const id = await insertInvoice(FIRM);
    await takeRequests();
    await sql`select outbox.send()`;
    const [request] = await takeRequests();
    const headers = { ...request.headers, "x-ledger-key": "lfk_wrong" };
    expect(await deliver({ ...request, headers })).toBe(401);
    await sql`select outbox.send()`;
    expect(await takeRequests()).toHaveLength(0);
    await sql`update outbox.events set sent_at = sent_at - interval '2 minutes'`;
    await sql`select outbox.send()`;
    const [later] = await takeRequests();
    expect(await deliver(later)).toBe(201);
    await sql`select outbox.send()`;
    expect(await events()).toHaveLength(0);
    expect(await ledger.rows("audit_log", { entity_id: id })).toHaveLength(1);
  });

  test("the outbox sends a thousand changes in requests of less than 64 KB, in order", async () => {
    const before = await countRows(ledger);
    await sql`insert into public.invoices
      select gen_random_uuid(), ${FIRM}, 'draft', n from generate_series(1, 1000) n`;
    await takeRequests();
    let requests = 0;
    for (;;) {
      await sql`select outbox.send()`;
      const [request, ...more] = await takeRequests();
      if (!request) break;
      expect(more).toEqual([]);
      const bytes = JSON.stringify(request.body).length;
      expect(bytes).toBeLessThan(65_536);
      expect(await deliver(request)).toBe(201);
      requests++;
    }
    expect(requests).toBeGreaterThan(3);
    expect(await events()).toHaveLength(0);
    expect(await countRows(ledger)).toBe(before + 1000);
  });

  test("a cron job sends the outbox", async () => {
    expect(await sql`select * from cron.job`).toEqual([
      {
        name: "outbox",
        schedule: "10 seconds",
        command: "select outbox.send()",
      },
    ]);
  });
});
