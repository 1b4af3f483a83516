import { expect } from "vitest";
import type { Engine } from "../../support/databases.ts";
import {
  type Actor,
  openOwnedDatabase,
  type OwnedDatabase,
} from "../../support/owned-database.ts";
import { APPEND_ONLY } from "../../support/side-tables.ts";
import {
  addAudit,
  addBudget,
  addDetails,
  addLlmUsage,
  addModelUsage,
  addPrice,
  addRating,
  addToolUsage,
  insertParents as makeWorld,
  type ParentRows as World,
} from "../../support/log-rows.ts";

/** PostgreSQL's "insufficient privilege", which the guards raise as well. */
export const REFUSED = { code: "42501" };

/** A guard's own answer. */
export const GUARDED = {
  code: "42501",
  message: expect.stringMatching(
    /is refused, because the log is append-only: |are not those that its guard was written for/,
  ),
};

/** PostgreSQL's error on TRUNCATE of a table that a foreign key refers to. */
export const REFERENCED = { code: "0A000" };

/** A database whose logs hold rows of both firms, to be attacked. */
export interface Scene {
  db: OwnedDatabase;
  world: World;
  /** One row of some tables, all of firm 1 and its user and project. */
  rows: {
    llm_usage_log: string;
    audit_log: string;
    model_prices: string;
    llm_budgets: string;
  };
  /** Everything that the guarded tables hold, down to the place of each row version. */
  read(): Promise<unknown>;
  /** Runs the attack and asserts that the tables are as they were when the scene opened; returns its error, if any. */
  attack(actor: Actor, script: string): Promise<AttackError | undefined>;
}

/** The error that the database raised on an attack. */
export interface AttackError {
  code?: string;
  message: string;
}

/** The grants of a project that grants everything to every API role. */
export const EVERY_PRIVILEGE =
  `grant all on all tables in schema public, ledger to anon, authenticated, service_role`;

/** Opens a scene; `prepare` is run as the owner before the rows are there. */
export async function openScene(engine: Engine, prepare = ""): Promise<Scene> {
  const db = await openOwnedDatabase(engine);
  await db.attempt("owner", prepare);
  const world = await makeWorld(db);
  const [firm_id, user_id] = [world.firm1, world.user1];
  const rows = {
    llm_usage_log: await addLlmUsage(db.query, {
      firm_id,
      cma_project_id: world.project1,
    }),
    audit_log: await addAudit(db.query, {
      firm_id,
      user_id,
      metadata: { count: 1 },
    }),
    model_prices: await addPrice(db.query, { firm_id }),
    llm_budgets: await addBudget(db.query, {
      firm_id,
      cma_project_id: world.project1,
    }),
  };
  await addLlmUsage(db.query, { firm_id });
  const usage_id = rows.llm_usage_log;
  await addDetails(db.query, { id: usage_id, firm_id });
  await addRating(db.query, { usage_id, firm_id });
  await addPrice(db.query);
  await addBudget(db.query, { firm_id: world.firm2 });
  await addAudit(db.query, { firm_id, user_id, metadata: { count: 1 } });
  await addAudit(db.query, { firm_id: world.firm2, user_id: world.user2 });
  await addToolUsage(db.query, {
    agent_id: world.agent,
    tool_id: world.tool,
    venture_id: world.venture,
    cost_usd: "0.100000",
  });
  await addModelUsage(db.query, { metadata: { share: 1.5 } });

  const read = () =>
    db.query(
      APPEND_ONLY.map((table) =>
        `select '${table}' as log, ctid::text, xmin::text, row_to_json(t)::text as row from public.${table} t`
      ).join(" union all ") + " order by 1, 2",
    );
  const before = await read();
  const attack = async (actor: Actor, script: string) => {
    const error = await db.attempt(actor, script).then(
      () => undefined,
      (error) => error as AttackError,
    );
    expect(await read(), `${actor}: ${script}`).toEqual(before);
    return error;
  };
  return { db, world, rows, read, attack };
}
