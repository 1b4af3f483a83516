import postgres from "postgres";
import { expect, test } from "vitest";
import { findFaultInLog } from "./exactly-once.ts";
import { useOwnServer } from "./own-server.ts";
import { makeEvents, toSent } from "./sent-events.ts";

/*
 * A full file system needs a mount, and so root. Instead, one of the table's files
 * is a link to Linux's /dev/full, whose writes fail with ENOSPC as well.
 */

// Nothing but the requests may write to the files.
const own = useOwnServer({ autovacuum: "off" });

async function query<Row>(
  work: (sql: postgres.Sql) => Promise<Row>,
): Promise<Row> {
  const sql = postgres(own.server.url, { max: 1 });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

/** Replaces a relation's file by /dev/full, until the returned function is called. */
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
    await own.untilConnected();
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
    const events = makeEvents(0, 3);
    const findFault = (sent: { id: string; cost: string }[]) =>
      query((sql) => findFaultInLog(sql, "llm_usage_log", sent));

    for (const relation of RELATIONS) {
      const makeRoom = await fill(relation);
      const full = await own.post(events);
      expect(await full.json()).toMatchObject({ code: "unavailable" });
      expect(full.status).toBe(503);
      expect(Number(full.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(own.errors.join()).toContain("No space left on device");
      await makeRoom();
      expect(await findFault([])).toBeNull();
    }

    const again = await own.post(events);
    expect(await again.json()).toMatchObject({ recorded: 3 });
    expect(await findFault(events.map(toSent))).toBeNull();
  },
);
