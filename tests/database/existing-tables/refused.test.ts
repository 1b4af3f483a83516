import { beforeAll, describe, expect, test } from "vitest";
import { SERVER_ONLY, useDatabase } from "../../support/databases.ts";

const FIRM = "10000000-0000-4000-8000-000000000001";

/** Rules that a project has added to its logs, each of which refuses some events. */
const RULES = `
  insert into firms (id, name) values ('${FIRM}', 'First');
  alter table audit_log add check (action <> 'checked');
  create function refuse() returns trigger language plpgsql as $$
    begin
      if new.action = 'raised' then raise exception 'not on a Sunday'; end if;
      if new.action = 'skipped' then return null; end if;
      return new;
    end $$;
  create trigger refuse before insert on audit_log for each row execute function refuse();
  alter table llm_usage_log add check (input_tokens <> 13);
`;

const event = (number: number, action: string) => ({
  id: `71000000-0000-4000-8000-0000000000${number}`,
  firm_id: FIRM,
  action,
  entity_type: "page",
});

interface Result {
  index: number;
  outcome: string;
  faults?: unknown[];
  row?: { action?: string; provider?: string };
}

describe.each(SERVER_ONLY)("a project's own rules on $name", (engine) => {
  const db = useDatabase(engine.migrated);
  beforeAll(() => db.exec(RULES));

  async function record(
    events: unknown[],
    parameters = "",
    log = "audit_log",
  ): Promise<Result[]> {
    const [{ results }] = await db.query<{ results: Result[] }>(
      `select record_${log}($1::text::jsonb${parameters}) as results`,
      [JSON.stringify(events)],
    );
    return results;
  }
  const REFUSED = [{ code: "refused" }];

  test.each(["checked", "raised", "skipped"])(
    "reject an event that is %s",
    async (action) => {
      expect(await record([event(10, action)])).toEqual([{
        index: 0,
        id: event(10, action).id,
        outcome: "rejected",
        faults: REFUSED,
      }]);
    },
  );

  test("reject single events of a batch", async () => {
    const results = await record([
      event(20, "fine"),
      event(21, "checked"),
      event(20, "fine"),
      event(22, "raised"),
      event(20, "other"),
      event(23, "fine"),
    ], ", representation => true");
    expect(
      results.map(({ index, outcome, row }) => [index, outcome, row?.action]),
    ).toEqual([
      [0, "recorded", "fine"],
      [1, "rejected", undefined],
      [2, "duplicate", "fine"],
      [3, "rejected", undefined],
      [4, "conflict", undefined],
      [5, "recorded", "fine"],
    ]);
  });

  test("reject a skipped event of a batch", async () => {
    const results = await record([event(40, "fine"), event(41, "skipped")]);
    expect(results.map(({ outcome, faults }) => [outcome, faults])).toEqual([
      ["recorded", undefined],
      ["rejected", REFUSED],
    ]);
  });

  test("abort an atomic batch", async () => {
    const events = [event(30, "fine"), event(31, "checked")];
    expect(
      (await record(events, ", atomic => true")).map(({ outcome }) => outcome),
    ).toEqual(["aborted", "rejected"]);
    expect(
      await db.query("select from audit_log where id = $1", [events[0].id]),
    ).toEqual([]);
    expect((await record(events)).map(({ outcome }) => outcome))
      .toEqual(["recorded", "rejected"]);
  });

  test("reject a model call and its details", async () => {
    const call = (number: number, tokens: number) => ({
      id: `72000000-0000-4000-8000-0000000000${number}`,
      firm_id: FIRM,
      model: "gemini-2.0-flash",
      task_type: "extraction",
      input_tokens: tokens,
      output_tokens: 1,
    });
    const results = await record(
      [call(10, 13), call(11, 14)],
      "",
      "llm_usage_log",
    );
    expect(results.map(({ outcome }) => outcome)).toEqual([
      "rejected",
      "recorded",
    ]);
    expect(
      await db.query("select count(*)::int as count from llm_usage_details"),
    ).toEqual([{ count: 1 }]);
  });

  test("and later columns do not affect recording", async () => {
    await db.exec(
      `alter table audit_log add column note text, add column ordinality int,
      add column faults jsonb default '[]', add column leaf_seq int, add column "Cost USD" numeric;
      alter table llm_usage_log add column faults int, add column provider text, add column leaf_seed bytea;`,
    );
    const results = await record([
      event(50, "fine"),
      event(50, "other"),
      event(51, "checked"),
    ]);
    expect(results.map(({ outcome }) => outcome))
      .toEqual(["recorded", "conflict", "rejected"]);
    const [call] = await record(
      [{
        id: "72000000-0000-4000-8000-000000000020",
        firm_id: FIRM,
        model: "gemini-2.0-flash",
        task_type: "extraction",
        provider: "acme",
        input_tokens: 1,
        output_tokens: 1,
      }],
      ", representation => true",
      "llm_usage_log",
    );
    expect(call).toMatchObject({
      outcome: "recorded",
      row: { provider: "acme" },
    });
    expect(Object.keys(call.row!)).not.toContain("faults");
    const [{ page }] = await db.query<{ page: { rows: unknown[] } }>(
      "select list_log('llm_usage_log', 'created_at') as page",
    );
    expect(page.rows[0]).toMatchObject({ provider: "acme" });
  });
});
