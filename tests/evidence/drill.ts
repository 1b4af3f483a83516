import { inject } from "vitest";
import { createDatabase } from "../../local/postgres.ts";
import type { NewKeys } from "../../shared/tlog/keys.ts";
import type { TestDatabase } from "../support/databases.ts";
import { addBeforeCapture } from "../support/evidence-leaves.ts";
import { newId, SLUGS, TABLES } from "../support/running-stack.ts";
import {
  type EvidenceStack,
  makeLogKeys,
  withEvidenceStack,
} from "../support/evidence-stack.ts";
import { FULL_EVENTS } from "../support/receipts.ts";

/**
 * A project with signed evidence, and copies of it to tamper with.
 *
 * @module
 */

const ENGINE = "PostgreSQL 17";

/** A project with signed evidence. */
export interface Drill {
  keys: NewKeys;
  /** Backfilled rows, by the log's slug. */
  old: Record<string, string>;
  /** Rows under the first checkpoint, by the log's slug. */
  early: Record<string, string>;
  /** Rows under the second checkpoint alone, by the log's slug. */
  late: Record<string, string>;
  /** Both checkpoints. */
  held: [string, string];
  /** Runs `work` with a stack over a copy, and the owner's connection to it. */
  on(
    work: (ledger: EvidenceStack, db: TestDatabase) => Promise<void>,
  ): Promise<void>;
}

/** Creates the project. */
export async function makeDrill(): Promise<Drill> {
  const keys = await makeLogKeys();
  const env = { LEDGER_SIGNING_KEYS: keys.signerKey };
  const server = { url: inject("postgresUrl") };
  const databaseUrl = await createDatabase(server);

  const drill = { keys } as Omit<Drill, "on">;
  await withEvidenceStack(ENGINE, env, async (ledger) => {
    drill.old = await recordBeforeCapture(ledger);
    drill.early = await recordOfEach(ledger);
    const first = await ledger.sign();
    // Beyond the first tile.
    const events = Array.from(
      { length: 300 },
      () => FULL_EVENTS["model-usage"],
    );
    await ledger.post("model-usage", events);
    drill.late = await recordOfEach(ledger);
    drill.held = [first, await ledger.sign()];
  }, databaseUrl);
  const template = new URL(databaseUrl).pathname.slice(1);

  const on: Drill["on"] = async (work) => {
    const url = await createDatabase(server, undefined, template);
    await withEvidenceStack(ENGINE, env, async (copy) => {
      const db = copy.openDatabase();
      await work(copy, db).finally(() => db.close());
    }, url);
  };
  return { ...drill, on };
}

/** Records an event of each log, and returns their ids. */
export async function recordOfEach(
  ledger: EvidenceStack,
): Promise<Record<string, string>> {
  const ids: Record<string, string> = {};
  for (const slug of SLUGS) {
    ids[slug] = newId();
    const event = { ...FULL_EVENTS[slug], id: ids[slug] };
    const { status } = await ledger.post(slug, event);
    if (status !== 201) throw new Error(`${slug} answered ${status}`);
  }
  return ids;
}

/** Inserts a row into each log that was there before its capture, and returns their ids. */
async function recordBeforeCapture(
  ledger: EvidenceStack,
): Promise<Record<string, string>> {
  const db = ledger.openDatabase();
  try {
    const ids = await addBeforeCapture(db, async (log) => {
      const [slug] = Object.entries(TABLES).find(([, table]) => table === log)!;
      const id = newId();
      const { error } = await ledger.admin().from(log)
        .insert({ ...FULL_EVENTS[slug as "audit"], id });
      if (error) throw new Error(error.message);
      return id;
    });
    return Object.fromEntries(
      Object.entries(TABLES).map(([slug, log]) => [slug, ids[log]]),
    );
  } finally {
    await db.close();
  }
}
