import { beforeAll, describe, expect, test } from "vitest";
import { ENGINES, queryAs, useDatabase } from "../support/databases.ts";
import { useParents } from "../support/log-rows.ts";

type Event = Record<string, unknown>;

describe.each(ENGINES)("recording on $name", (engine) => {
  const db = useDatabase(engine.migrated);
  const parents = useParents(db, beforeAll);

  const audit = (event: Event = {}): Event => ({
    id: crypto.randomUUID(),
    firm_id: parents.firm1,
    action: "upload_file",
    entity_type: "cma_project",
    ...event,
  });

  const usage = (event: Event = {}): Event => ({
    id: crypto.randomUUID(),
    firm_id: parents.firm1,
    model: "a-model-without-a-price",
    task_type: "extraction",
    input_tokens: 10,
    output_tokens: 1,
    cost_usd: "0.5",
    ...event,
  });

  async function record(
    log: string,
    events: Event[],
    options: { brief?: boolean; representation?: boolean } = {},
  ): Promise<unknown> {
    const [{ answer }] = await queryAs<{ answer: unknown }>(
      db,
      "service_role",
      null,
      `select public.record_${log}($1::text::jsonb, brief => $2::text::boolean,
           representation => $3::text::boolean) as answer`,
      [
        JSON.stringify(events),
        String(options.brief ?? true),
        String(options.representation ?? false),
      ],
    );
    return answer;
  }

  async function outcomes(log: string, events: Event[]): Promise<string[]> {
    const results = await record(log, events) as { outcome: string }[];
    return results.map(({ outcome }) => outcome);
  }

  async function countStored(log: string, events: Event[]): Promise<number> {
    const [{ count }] = await db.query<{ count: number }>(
      `select count(*)::int as count from public.${log} where id = any ($1::text::uuid[])`,
      [`{${[...new Set(events.map(({ id }) => id))].join()}}`],
    );
    return count;
  }

  test("answers briefly that all events were recorded", async () => {
    const events = [audit(), audit(), audit()];
    expect(await record("audit_log", events))
      .toEqual({ recorded: 3, first: events[0].id, last: events[2].id });
    expect(await countStored("audit_log", events)).toBe(3);
    expect(await record("llm_usage_log", [usage()]))
      .toMatchObject({ recorded: 1 });
  });

  test("answers per event by default", async () => {
    const [one, two] = [audit(), audit()];
    expect(await record("audit_log", [one, two], { brief: false })).toEqual([
      { index: 0, id: one.id, outcome: "recorded" },
      { index: 1, id: two.id, outcome: "recorded" },
    ]);
  });

  test("answers per event when one event is not recorded or has a warning", async () => {
    const old = audit();
    await record("audit_log", [old]);
    expect(await outcomes("audit_log", [audit(), old]))
      .toEqual(["recorded", "duplicate"]);
    const unpriced = usage({ cost_usd: undefined });
    expect(await record("llm_usage_log", [usage(), unpriced])).toMatchObject([
      { outcome: "recorded" },
      { outcome: "recorded", warnings: ["unpriced"] },
    ]);
  });

  test("records the other events of a batch with a missing parent, once", async () => {
    const events = [audit(), audit({ user_id: crypto.randomUUID() }), audit()];
    const results = [
      { index: 0, outcome: "recorded" },
      {
        index: 1,
        outcome: "rejected",
        faults: [{ column: "user_id", code: "not_found" }],
      },
      { index: 2, outcome: "recorded" },
    ];
    expect(await record("audit_log", events)).toMatchObject(results);
    expect(await countStored("audit_log", events)).toBe(2);
    const leaves = await db.query(
      `select row_id from ledger.pending_leaves where row_id = any ($1::text::uuid[])`,
      [`{${events.map(({ id }) => id).join()}}`],
    );
    expect(leaves).toHaveLength(2);
  });

  test("finds a duplicate whose parent is deleted, beside new events", async () => {
    const project = crypto.randomUUID();
    await db.query(
      `insert into public.cma_projects (id, firm_id, name) values ($1, $2, 'P')`,
      [project, parents.firm1],
    );
    const old = usage({ cma_project_id: project });
    expect(await record("llm_usage_log", [old]))
      .toMatchObject({ recorded: 1 });
    await db.query(`delete from public.cma_projects where id = $1`, [project]);
    expect(await outcomes("llm_usage_log", [usage(), old, usage()]))
      .toEqual(["recorded", "duplicate", "recorded"]);
    expect(await outcomes("llm_usage_log", [old])).toEqual(["duplicate"]);
  });

  test("rejects a project of another firm before any write", async () => {
    const events = [usage({ cma_project_id: parents.project2 }), usage()];
    expect(await record("llm_usage_log", events)).toMatchObject([
      {
        outcome: "rejected",
        faults: [{ column: "cma_project_id", code: "other_firm" }],
      },
      { outcome: "recorded" },
    ]);
    expect(await countStored("llm_usage_log", events)).toBe(1);
  });

  test("records the first of two events with one id, and compares the second", async () => {
    const event = audit();
    const twice = [event, { ...event }, { ...event, action: "download_file" }];
    expect(await outcomes("audit_log", twice))
      .toEqual(["recorded", "duplicate", "conflict"]);
    expect(await countStored("audit_log", twice)).toBe(1);
    const call = usage();
    expect(await outcomes("llm_usage_log", [call, { ...call, cost_usd: "1" }]))
      .toEqual(["recorded", "conflict"]);
  });

  test("records the second of two events with one id when the first has no parent", async () => {
    const event = audit();
    const twice = [{ ...event, user_id: crypto.randomUUID() }, event];
    expect(await outcomes("audit_log", twice))
      .toEqual(["rejected", "recorded"]);
    expect(await countStored("audit_log", twice)).toBe(1);
  });

  test("keeps stamped members of some events of a batch", async () => {
    const stamped = audit({ stamped: { ip_address: "192.0.2.7" } });
    const sent = audit({
      ip_address: "192.0.2.8",
      stamped: { ip_address: "192.0.2.7" },
    });
    const results = await record("audit_log", [audit(), stamped, sent], {
      representation: true,
    }) as { row: Event }[];
    expect(results.map(({ row }) => row.ip_address))
      .toEqual([null, "192.0.2.7", "192.0.2.8"]);
    expect(await outcomes("audit_log", [{ ...stamped, stamped: {} }]))
      .toEqual(["duplicate"]);
  });

  test("rejects an invalid event, and records the others", async () => {
    const events = [audit(), audit({ action: null })];
    const results = await record("audit_log", events);
    expect(results).toMatchObject([
      { outcome: "recorded" },
      { outcome: "rejected", faults: [{ code: "refused" }] },
    ]);
    expect(await countStored("audit_log", events)).toBe(1);
  });
});
