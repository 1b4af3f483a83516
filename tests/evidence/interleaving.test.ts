import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createDatabase,
  installSupabaseRoles,
  type PostgresServer,
  startPostgres,
} from "../../local/postgres.ts";
import { applyMigrations, overPostgres } from "../support/databases.ts";
import { openSimulator } from "./simulator.ts";

const SESSIONS = 5;
const SEEDS = 50;

/** Replays one seed: `EVIDENCE_SEED=17`. */
const replayed = Deno.env.get("EVIDENCE_SEED");
const seeds = replayed
  ? [Number(replayed)]
  : Array.from({ length: SEEDS }, (_, n) => n + 1);

/** Sealers that take what they see, which a transaction that is still open turns into a fault. */
const MUTANTS: [string, string, string][] = [
  [
    "seals whatever is visible",
    "where p.xid < cut order by p.xid, p.seq limit",
    "order by p.xid, p.seq limit",
  ],
  [
    "seals in the order of arrival",
    "from ledger.pending_leaves p where p.xid < cut order by p.xid, p.seq limit",
    "from ledger.pending_leaves p order by p.seq limit",
  ],
  [
    "seals up to the newest transaction that has ended",
    "pg_snapshot_xmin(",
    "pg_snapshot_xmax(",
  ],
  [
    "claims to be complete where it left some",
    "complete := coalesce((select",
    "complete := coalesce(cut, (select",
  ],
  [
    "takes without taking away",
    "delete from ledger.pending_leaves p using final f where p.seq = f.seq returning p.*, f.index",
    "select p.*, f.index from ledger.pending_leaves p, final f where p.seq = f.seq",
  ],
];

describe("sealing while sessions interleave on PostgreSQL 17", () => {
  // A server of its own: transactions of other databases would hold back seals.
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({
      settings: { fsync: "off", synchronous_commit: "off", autovacuum: "off" },
    });
    await installSupabaseRoles(server.url);
    await change(await createDatabase(server, "honest"), applyMigrations);
  });
  afterAll(() => server.stop());

  test(
    "every committed row is sealed once, in order, with correct seals",
    async () => {
      const url = await createDatabase(server, undefined, "honest");
      const simulator = await openSimulator(url, "ledger.seal", SESSIONS);
      try {
        for (const seed of seeds) {
          const { steps, fault } = await simulator.run(seed);
          expect(
            fault,
            `replay with EVIDENCE_SEED=${seed}: ${steps.join(", ")}`,
          ).toBeNull();
        }
      } finally {
        await simulator.close();
      }
    },
    120_000,
  );

  test.each(MUTANTS)("a sealer that %s is detected", async (_, is, becomes) => {
    const url = await createDatabase(server, undefined, "honest");
    await change(url, async ({ query, exec }) => {
      const [{ sealer }] = await query<{ sealer: string }>(
        "select pg_get_functiondef('ledger.seal'::regproc) as sealer",
      );
      const mutant = sealer.replace(
        "FUNCTION ledger.seal(",
        "FUNCTION ledger.mutant(",
      )
        .replace(is, becomes);
      expect(mutant).toContain(becomes);
      expect(mutant).not.toContain(is);
      await exec(mutant);
    });
    const simulator = await openSimulator(url, "ledger.mutant", SESSIONS);
    try {
      let fault: string | null = null;
      for (let seed = 1; seed <= SEEDS && !fault; seed++) {
        ({ fault } = await simulator.run(seed));
      }
      expect(fault).toMatch(/./);
    } finally {
      await simulator.close();
    }
  }, 120_000);
});

async function change(
  url: string,
  work: (database: ReturnType<typeof overPostgres>) => Promise<void>,
): Promise<void> {
  const database = overPostgres(url);
  await work(database).finally(() => database.close());
}
