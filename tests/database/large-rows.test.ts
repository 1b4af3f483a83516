import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINES, type TestDatabase } from "../support/databases.ts";
import { sealAll } from "../support/evidence-leaves.ts";

type Page = {
  rows: { id: string; reported_model_id: string }[];
  more: boolean;
  next: unknown;
};

describe.each(ENGINES)("pages of large rows on $name", (engine) => {
  let db: TestDatabase;
  const MEGABYTE = 1_000_000;
  /** The sizes of rows in megabytes, newest first. */
  const SIZES = [1, 30, 3, 3, 3, 0, 0];
  beforeAll(async () => {
    db = await engine.migrated();
    for (const [index, size] of SIZES.entries()) {
      await db.query(
        `insert into public.model_usage_log (reported_model_name, reported_model_id, captured_at)
         values ('100%', repeat('x', $1::int), '2026-01-31Z'::timestamptz - $2::int * interval '1 day')`,
        [size * MEGABYTE, index],
      );
    }
  });
  afterAll(() => db.close());

  test.each([
    ["newest", false, [[1], [30], [3, 3], [3, 0, 0]]],
    ["oldest", true, [[0, 0, 3, 3], [3], [30], [1]]],
  ])(
    "%s first, end before the row that does not fit",
    async (_name, ascending, expected) => {
      const pages: number[][] = [];
      let after: unknown = null;
      for (let more = true; more;) {
        const [{ page }] = await db.as(
          "service_role",
          null,
          (query) =>
            query<{ page: Page }>(
              `select public.list_log('model_usage_log', 'captured_at', '{"reported_model_name": ["100%"]}',
             ascending => $1::boolean, after => $2::text::jsonb) as page`,
              [ascending, after === null ? null : JSON.stringify(after)],
            ),
        );
        pages.push(
          page.rows.map((row) => row.reported_model_id.length / MEGABYTE),
        );
        ({ more } = page);
        after = page.next;
      }
      expect(pages).toEqual(expected);
    },
  );

  test("of evidence end before the leaf that does not fit", async () => {
    const exportFrom = async (name: string, from: number) => {
      const [{ page }] = await db.as(
        "service_role",
        null,
        (query) =>
          query<{ page: { index: number; seq: number; texts: string[] }[] }>(
            `select public.${name}($1) as page`,
            [from],
          ),
      );
      return page;
    };
    const readAll = async (
      name: string,
      next: (leaf: { index: number; seq: number }) => number,
    ) => {
      const pages: number[] = [];
      for (let from = 0;;) {
        const page = await exportFrom(name, from);
        if (page.length === 0) return pages;
        pages.push(page.length);
        from = next(page.at(-1)!);
      }
    };
    const pending = await readAll("export_pending_leaves", ({ seq }) => seq);
    await sealAll(db);
    const sealed = await readAll("export_ledger", ({ index }) => index + 1);
    // One leaf per row, and one per seal.
    expect(pending.reduce((sum, count) => sum + count)).toBe(SIZES.length);
    expect(sealed.reduce((sum, count) => sum + count))
      .toBeGreaterThan(SIZES.length);
    expect(pending.length).toBeGreaterThan(2);
    expect(sealed.length).toBeGreaterThan(2);
  });
});
