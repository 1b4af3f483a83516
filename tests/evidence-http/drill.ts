/**
 * A project with signed evidence, and copies of it to tamper with.
 *
 * @module
 */
import { inject } from "vitest";
import { createDatabase } from "../../local/postgres.ts";
import { startStack } from "../../local/stack.ts";
import type { NewKeys } from "../../shared/ledger/note-keys.ts";
import type { TestDatabase } from "../database/databases.ts";
import { newId, SLUGS, TABLES } from "../endpoint/running-stack.ts";
import { makeProject } from "../stack/scratch-project.ts";
import {
  EvidenceStack,
  makeLogKeys,
  startEvidenceStack,
} from "./evidence-stack.ts";
import { FULL_EVENTS } from "./rows-and-receipts.ts";

const ENGINE = "PostgreSQL 17";
const SUPABASE = new URL("../../supabase/", import.meta.url);
/** The first of the migrations that bring evidence. */
const EVIDENCE = "20261121103000_evidence_capture.sql";

/** What a drill begins with. */
export interface Drill {
  keys: NewKeys;
  /** Rows of before there was evidence, by the log's slug. */
  old: Record<string, string>;
  /** Rows under the first checkpoint, by the log's slug. */
  early: Record<string, string>;
  /** Rows under the second checkpoint alone, by the log's slug. */
  late: Record<string, string>;
  /** The checkpoints, as somebody kept them. */
  held: [string, string];
  /**
   * Lets `work` have a copy: the running stack, and the owner's connection to its
   * database.
   */
  on(
    work: (ledger: EvidenceStack, db: TestDatabase) => Promise<void>,
  ): Promise<void>;
}

/** Makes the project. */
export async function makeDrill(): Promise<Drill> {
  const keys = await makeLogKeys();
  const env = { LEDGER_SIGNING_KEYS: keys.signerKey };
  const server = { url: inject("postgresUrl") };
  const databaseUrl = await createDatabase(server);

  const old = await recordBeforeEvidence(databaseUrl);
  const ledger = await startEvidenceStack(ENGINE, env, databaseUrl);
  let early: Record<string, string>, late: Record<string, string>;
  let held: [string, string];
  try {
    early = await recordOfEach(ledger);
    const first = await ledger.sign();
    // Beyond the first tile.
    const events = Array.from(
      { length: 300 },
      () => FULL_EVENTS["model-usage"],
    );
    await ledger.post("model-usage", events);
    late = await recordOfEach(ledger);
    held = [first, await ledger.sign()];
  } finally {
    await ledger.stack.stop();
  }
  const template = new URL(databaseUrl).pathname.slice(1);

  async function on(
    work: (ledger: EvidenceStack, db: TestDatabase) => Promise<void>,
  ): Promise<void> {
    const url = await createDatabase(server, undefined, template);
    const copy = await startEvidenceStack(ENGINE, env, url);
    const db = copy.openDatabase();
    try {
      await work(copy, db);
    } finally {
      await db.close();
      await copy.stack.stop();
    }
  }
  return { keys, old, early, late, held, on };
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

/** Records in a database whose migrations end before those of evidence. */
async function recordBeforeEvidence(
  databaseUrl: string,
): Promise<Record<string, string>> {
  const project = await makeProject();
  const copy = async (path: string) =>
    project.write(path, await Deno.readTextFile(new URL(path, SUPABASE)));
  await copy("config.toml");
  await copy("seed.sql");
  for (const { name } of Deno.readDirSync(new URL("migrations", SUPABASE))) {
    if (name < EVIDENCE) await copy(`migrations/${name}`);
  }
  const running = new EvidenceStack();
  running.stack = await startStack({
    port: 0,
    databaseUrl,
    projectDir: project.dir,
  });
  const ids: Record<string, string> = {};
  try {
    for (const [slug, table] of Object.entries(TABLES)) {
      ids[slug] = newId();
      const { error } = await running.admin().from(table)
        .insert({ ...FULL_EVENTS[slug as "audit"], id: ids[slug] });
      if (error) throw new Error(error.message);
    }
  } finally {
    await running.stack.stop();
    await project.remove();
  }
  return ids;
}
