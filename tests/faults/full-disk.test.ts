import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PostgresServer, startPostgres } from "../../local/postgres.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import { findFaultInLog } from "./exactly-once.ts";
import { type FunctionServer, serveFunctions } from "./function-server.ts";
import { makeEvents, postBatch, toSent } from "./sent-events.ts";
import { silenceConsole } from "./silence.ts";

/*
 * A file system that is full needs a mount, and so root. Instead one of the
 * table's files is a link to Linux's /dev/full, which has room for nothing and
 * says so (ENOSPC) to whoever writes: what the server sees is the same.
 */

let server: PostgresServer;
let stack: Stack;
let functions: FunctionServer;

const errors = silenceConsole();
beforeAll(async () => {
  // Nothing but the requests may touch the files.
  server = await startPostgres({ settings: { autovacuum: "off" } });
  stack = await startStack({ port: 0, databaseUrl: server.url });
  functions = serveFunctions({ url: stack.url, secretKey: stack.secretKey });
});
afterAll(async () => {
  await functions?.close();
  await stack?.stop();
  await server?.stop();
});

async function query<Row>(
  work: (sql: postgres.Sql) => Promise<Row>,
): Promise<Row> {
  const sql = postgres(server.url, { max: 1 });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

/** Puts /dev/full in the place of a relation's file, until the answer is called. */
async function fill(relation: string): Promise<() => Promise<void>> {
  const [{ path }] = await query((sql) =>
    sql`select current_setting('data_directory') || '/'
      || pg_relation_filepath(${relation}) as path`
  );
  const replace = async (work: () => Promise<void>) => {
    await query((sql) => sql`checkpoint`);
    await work();
    // Sessions have the file open; new ones open what is in its place.
    await query((sql) =>
      sql`select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()`
    );
    await untilConnected();
  };
  await replace(async () => {
    await Deno.rename(path, `${path}.aside`);
    await Deno.symlink("/dev/full", path);
  });
  return () => replace(() => Deno.rename(`${path}.aside`, path));
}

/** In the order in which a batch writes them, so that each is empty when it is full. */
const RELATIONS = [
  "public.llm_usage_log",
  "public.llm_usage_details",
  "ledger.pending_leaves",
];

// Only Linux has /dev/full.
test.runIf(Deno.build.os === "linux")(
  "a full disk, SQLSTATE 53100, is a 503 without a partial write, and a later retry records",
  async () => {
    const url = `${functions.url}/llm-usage`;
    const events = makeEvents(0, 3);
    const findFault = (sent: { id: string; cost: string }[]) =>
      query((sql) => findFaultInLog(sql, "llm_usage_log", sent));

    for (const relation of RELATIONS) {
      const makeRoom = await fill(relation);
      const full = await postBatch(url, stack.secretKey, events);
      expect(await full.json()).toMatchObject({ code: "unavailable" });
      expect(full.status).toBe(503);
      expect(Number(full.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(errors.join()).toContain("No space left on device");
      await makeRoom();
      expect(await findFault([])).toBeNull();
    }

    const again = await postBatch(url, stack.secretKey, events);
    expect(await again.json()).toMatchObject({ recorded: 3 });
    expect(await findFault(events.map(toSent))).toBeNull();
  },
);

async function untilConnected(): Promise<void> {
  const headers = { apikey: stack.secretKey };
  await expect.poll(async () => {
    const response = await fetch(`${functions.url}/audit?limit=1`, { headers });
    await response.body?.cancel();
    return response.status;
  }, { timeout: 20_000, interval: 20 }).toBe(200);
  errors.length = 0;
}
