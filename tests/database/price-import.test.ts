import { beforeEach, describe, expect, test } from "vitest";
import {
  createMigratedDatabase,
  overPostgres,
  queryAs,
  SERVER_ONLY,
  useDatabase,
} from "../support/databases.ts";

type Row = Record<string, unknown>;

// deno-lint-ignore no-explicit-any
type Answer = any;

interface Options {
  source?: string;
  apply?: boolean;
  acceptSuspicious?: boolean;
}

const NOTHING = {
  new: 0,
  corrected: 0,
  unchanged: 0,
  unlisted: 0,
  withheld: 0,
  entered: 0,
  changed: [],
  suspicious: [],
};

describe.each(SERVER_ONLY)("import_model_prices on $name", (engine) => {
  const db = useDatabase(engine.migrated);
  /** A provider of its own for each test. */
  let provider: string;
  beforeEach(() => {
    provider = `acme-${crypto.randomUUID()}`;
  });

  const row = (members: Row = {}): Row => ({
    provider,
    match_kind: "equals",
    match_value: "model-1",
    effective_from: "1970-01-01T00:00:00Z",
    input_usd_per_mtok: "3",
    output_usd_per_mtok: "15",
    ...members,
  });

  /** As a project's service does, over the REST API. */
  async function importPrices(
    prices: unknown,
    { source = "test", apply = true, acceptSuspicious = false }: Options = {},
  ): Promise<Answer> {
    const [{ answer }] = await queryAs<{ answer: Answer }>(
      db,
      "service_role",
      null,
      `select public.import_model_prices($1::text::jsonb, source => $2,
           apply => $3::text::boolean, accept_suspicious => $4::text::boolean) as answer`,
      [JSON.stringify(prices), source, String(apply), String(acceptSuspicious)],
    );
    // Other tests' rows are not in the list either.
    const { unlisted: _, ...rest } = answer;
    return rest;
  }

  const rows = () =>
    db.query(
      `select match_value, effective_from::date::text as day, input_usd_per_mtok::text as input
       from model_prices where provider = $1 order by effective_from, entered_at`,
      [provider],
    );

  const { unlisted: _, ...nothing } = NOTHING;

  test("enters a list once", async () => {
    const list = [row(), row({ match_value: "model-2" })];
    expect(await importPrices(list)).toEqual({
      ...nothing,
      new: 2,
      entered: 2,
    });
    expect(await importPrices(list)).toEqual({ ...nothing, unchanged: 2 });
    expect(await rows()).toHaveLength(2);
  });

  test("enters nothing on a dry run", async () => {
    expect(await importPrices([row()], { apply: false }))
      .toEqual({ ...nothing, new: 1 });
    expect(await rows()).toEqual([]);
  });

  test("enters every column of a row, to the last digit", async () => {
    await importPrices([row({
      match_kind: "starts_with",
      service_tier: "batch",
      effective_from: "2026-01-02T03:04:05.678901Z",
      effective_to: "2027-01-01T00:00:00Z",
      daily_from: "22:00:00",
      daily_to: "04:00:00",
      input_usd_per_mtok: "0.000000000001",
      cache_read_usd_per_mtok: "99999.999999999999",
      cache_write_5m_usd_per_mtok: "0.083333333",
      cache_write_1h_usd_per_mtok: "1e-3",
      output_usd_per_mtok: 0.1,
      reasoning_usd_per_mtok: "0",
      request_usd: "0.012",
      other_usd_per_million: { web_searches: "10000.000000000001" },
      context_tiers: [{ above_input_tokens: 1, input_usd_per_mtok: "0.3" }],
      implies_provider: true,
    })], { source: "a list of 2026" });
    const [entered] = await db.query(
      `select to_jsonb(m) - 'id' - 'entered_at' || jsonb_build_object(
         'input_usd_per_mtok', input_usd_per_mtok::text, 'cache_read_usd_per_mtok', cache_read_usd_per_mtok::text,
         'output_usd_per_mtok', output_usd_per_mtok::text) as row
       from model_prices m where provider = $1`,
      [provider],
    );
    expect(entered.row).toEqual({
      provider,
      match_kind: "starts_with",
      match_value: "model-1",
      firm_id: null,
      service_tier: "batch",
      effective_from: "2026-01-02T03:04:05.678901+00:00",
      effective_to: "2027-01-01T00:00:00+00:00",
      daily_from: "22:00:00",
      daily_to: "04:00:00",
      input_usd_per_mtok: "0.000000000001",
      cache_read_usd_per_mtok: "99999.999999999999",
      cache_write_5m_usd_per_mtok: 0.083333333,
      cache_write_1h_usd_per_mtok: 0.001,
      output_usd_per_mtok: "0.1",
      reasoning_usd_per_mtok: 0,
      request_usd: 0.012,
      other_usd_per_million: { web_searches: "10000.000000000001" },
      context_tiers: [{ above_input_tokens: 1, input_usd_per_mtok: "0.3" }],
      published: true,
      implies_provider: true,
      source: "a list of 2026",
    });
  });

  test("enters one row for a correction, beside the corrected row", async () => {
    const other = row({ match_value: "model-2" });
    await importPrices([row(), other]);
    const answer = await importPrices([
      row({ input_usd_per_mtok: "2.5" }),
      other,
    ]);
    expect(answer).toEqual({
      ...nothing,
      corrected: 1,
      unchanged: 1,
      entered: 1,
      changed: [{
        provider,
        match_kind: "equals",
        match_value: "model-1",
        effective_from: "1970-01-01T00:00:00+00:00",
        column: "input_usd_per_mtok",
        from: "3",
        to: "2.5",
      }],
    });
    expect((await rows()).map(({ input }) => input).sort())
      .toEqual(["2.5", "3", "3"]);
  });

  test("compares with the row that was entered last", async () => {
    for (const input_usd_per_mtok of ["3", "4", "3"]) {
      const { entered } = await importPrices([row({ input_usd_per_mtok })]);
      expect(entered).toBe(1);
    }
    expect((await importPrices([row()])).unchanged).toBe(1);
  });

  test("compares prices as numbers, in every column", async () => {
    const tiers = (price: string) => [
      { above_input_tokens: 200_000, input_usd_per_mtok: price },
      { above_input_tokens: 400_000, input_usd_per_mtok: price },
    ];
    await importPrices([row({
      input_usd_per_mtok: "0.1",
      other_usd_per_million: { web_searches: "10000", input_audio_tokens: "1" },
      context_tiers: tiers("6"),
    })]);
    const same = row({
      input_usd_per_mtok: 0.100,
      other_usd_per_million: { input_audio_tokens: "1.0", web_searches: "1e4" },
      context_tiers: tiers("6.00").reverse(),
    });
    expect(await importPrices([same])).toEqual({ ...nothing, unchanged: 1 });
    const different = row({
      ...same,
      other_usd_per_million: { input_audio_tokens: "1", code_executions: "7" },
      context_tiers: [tiers("6")[1], {
        above_input_tokens: 200_000,
        input_usd_per_mtok: "7",
      }],
    });
    const { changed, entered } = await importPrices([different], {
      acceptSuspicious: true,
    });
    expect(
      changed.map((one: Row) => [one.column, one.from, one.to]),
    ).toEqual([
      ["code_executions", null, "7"],
      ["input_usd_per_mtok above 200000", "6", "7"],
      ["web_searches", "10000", null],
    ]);
    expect(entered).toBe(1);
  });

  test("enters a later price as a new row, and reports the change", async () => {
    await importPrices([row()]);
    const later = row({
      effective_from: "2026-01-01T00:00:00Z",
      input_usd_per_mtok: "2",
    });
    const answer = await importPrices([row(), later]);
    expect(answer).toMatchObject({ new: 1, unchanged: 1, entered: 1 });
    expect(answer.changed).toMatchObject([
      { effective_from: "2026-01-01T00:00:00+00:00", from: "3", to: "2" },
    ]);
    expect(await importPrices([row(), later]))
      .toEqual({ ...nothing, unchanged: 2 });
  });

  test("keeps prices by hours of the day and by service tier separate", async () => {
    const variants = [
      row(),
      row({ daily_from: "01:00", daily_to: "04:00", input_usd_per_mtok: "90" }),
      row({ daily_from: "06:00", daily_to: "10:00", input_usd_per_mtok: "91" }),
      row({ service_tier: "batch", input_usd_per_mtok: "0.1" }),
    ];
    expect(await importPrices(variants))
      .toEqual({ ...nothing, new: 4, entered: 4 });
    expect(await importPrices(variants)).toEqual({ ...nothing, unchanged: 4 });
    const [, peak] = variants;
    const { changed } = await importPrices([
      { ...peak, input_usd_per_mtok: "89" },
    ], { apply: false });
    expect(changed).toMatchObject([
      { daily_from: "01:00:00", daily_to: "04:00:00", from: "90", to: "89" },
    ]);
  });

  test("enters a row again when its provider implication or its end changes", async () => {
    await importPrices([row()]);
    const { changed, entered } = await importPrices([
      row({ implies_provider: true, effective_to: "2027-01-01T00:00:00Z" }),
    ]);
    expect(changed.map((one: Row) => [one.column, one.from, one.to])).toEqual([
      ["effective_to", null, "2027-01-01 00:00:00+00"],
      ["implies_provider", "false", "true"],
    ]);
    expect(entered).toBe(1);
  });

  test.each([
    ["31", "is more than ten times the price before"],
    ["0.29", "is less than a tenth of the price before"],
    ["0", "falls to 0"],
    [undefined, "is removed"],
  ])("withholds a price of 3 that becomes %s", async (price, why) => {
    const right = row({ match_value: "model-2", input_usd_per_mtok: "4" });
    await importPrices([row(), { ...right, input_usd_per_mtok: "3" }]);
    const wrong = row({ input_usd_per_mtok: price, output_usd_per_mtok: "16" });
    const answer = await importPrices([wrong, right]);
    expect(answer).toMatchObject({ corrected: 2, withheld: 1, entered: 1 });
    expect(answer.suspicious).toEqual([{
      provider,
      match_kind: "equals",
      match_value: "model-1",
      effective_from: "1970-01-01T00:00:00+00:00",
      column: "input_usd_per_mtok",
      from: "3",
      to: price ?? null,
      why,
    }]);
    expect(await importPrices([wrong, right], { acceptSuspicious: true }))
      .toMatchObject({ withheld: 0, entered: 1, suspicious: [{ why }] });
    expect(await importPrices([wrong, right]))
      .toEqual({ ...nothing, unchanged: 2 });
  });

  test("withholds a price that rises from 0, and one that starts later", async () => {
    await importPrices([row({ input_usd_per_mtok: "0" })]);
    expect((await importPrices([row()])).suspicious)
      .toMatchObject([{ why: "rises from 0" }]);
    const later = row({
      effective_from: "2026-01-01T00:00:00Z",
      output_usd_per_mtok: "0.000015",
      input_usd_per_mtok: "0",
    });
    expect(await importPrices([row({ input_usd_per_mtok: "0" }), later]))
      .toMatchObject({ new: 1, withheld: 1, entered: 0 });
  });

  test("finds nothing suspicious in a tenfold price, a first price or removed tiers", async () => {
    const cheap = row({
      input_usd_per_mtok: undefined,
      output_usd_per_mtok: "1.5",
      context_tiers: [{ above_input_tokens: 9, output_usd_per_mtok: "3" }],
    });
    await importPrices([cheap]);
    expect(await importPrices([row()]))
      .toMatchObject({ corrected: 1, withheld: 0, entered: 1 });
  });

  test("counts published rows that a list no longer has, and keeps them", async () => {
    await importPrices([row(), row({ match_value: "model-2" })]);
    await importPrices([row({ input_usd_per_mtok: "4" })]);
    const count = async () => {
      const [{ answer }] = await db.query<{ answer: Answer }>(
        "select import_model_prices($1::text::jsonb, source => 'test') as answer",
        [JSON.stringify([row()])],
      );
      return answer.unlisted;
    };
    const before = await count();
    await importPrices([row({ match_value: "model-3" })]);
    expect(await count()).toBe(before + 1);
    expect(await rows()).toHaveLength(4);
  });

  test("compares with published prices only", async () => {
    await db.exec(
      `insert into firms (id, name) values ('${crypto.randomUUID()}', 'A firm');
       insert into model_prices (provider, match_kind, match_value, firm_id, effective_from, input_usd_per_mtok, published, source)
       select '${provider}', 'equals', 'model-1', f.id, '1970-01-01T00:00:00Z', 1, f.published, 'a contract'
       from (select null::uuid as id, false as published union all select id, true from firms where name = 'A firm') f`,
    );
    expect(await importPrices([row()]))
      .toEqual({ ...nothing, new: 1, entered: 1 });
  });

  test.each<[string, unknown, RegExp]>([
    ["an object", {}, /^expected an array of price rows$/],
    ["null", null, /^expected an array of price rows$/],
    ["a row that is not an object", [1], /^price row 1: expected an object$/],
    [
      "an unknown column",
      [{ input_usd_per_token: 1 }],
      /^price row 1: a price list has no column input_usd_per_token$/,
    ],
    [
      "a column outside of the list",
      [{ published: false }],
      /^price row 1: a price list has no column published$/,
    ],
    [
      "a malformed price",
      [{}, { input_usd_per_mtok: "3 USD" }],
      /^price row 2: invalid input syntax for type numeric/,
    ],
    ["NaN", [{ input_usd_per_mtok: "NaN" }], /^price row 1: .*unit_price/],
    [
      "infinity",
      [{ input_usd_per_mtok: "Infinity" }],
      /^price row 1: .*unit_price/,
    ],
    [
      "a negative price",
      [{ output_usd_per_mtok: "-1" }],
      /^price row 1: .*unit_price/,
    ],
    [
      "a price per token of a million",
      [{ input_usd_per_mtok: "3000000" }],
      /^price row 1: .*unit_price/,
    ],
    [
      "13 decimals",
      [{ input_usd_per_mtok: "0.0000000000001" }],
      /^price row 1: .*unit_price/,
    ],
    [
      "an impossible date",
      [{ effective_from: "2026-02-30" }],
      /^price row 1: date\/time field value out of range/,
    ],
    ["no start", [{ effective_from: null }], /effective_from.*not-null/],
    ["no model", [{ match_value: null }], /match_value.*not-null/],
    ["an unknown match", [{ match_kind: "like" }], /match_kind_check/],
    [
      "a malformed regex",
      [{ match_kind: "regex", match_value: "(" }],
      /parentheses \(\) not balanced/,
    ],
    ["a name in upper case", [{ match_value: "GPT-5" }], /check constraint/],
    ["a malformed price of another unit", [{
      other_usd_per_million: { web_searches: "-1" },
    }], /unit_price/],
    [
      "two rows for the same",
      [{}, { input_usd_per_mtok: "4" }],
      /^the list has two rows for the same match and time$/,
    ],
  ])("rejects %s, on a dry run as well", async (_, prices, message) => {
    const list = Array.isArray(prices)
      ? prices.map((one) => typeof one === "object" ? row(one) : one)
      : prices;
    for (const apply of [false, true]) {
      await expect(importPrices(list, { apply })).rejects.toThrow(message);
    }
    expect(await rows()).toEqual([]);
  });

  test("rejects prices without a source", async () => {
    await expect(importPrices([row()], { source: "" }))
      .rejects.toThrow("source_check");
  });

  test.each(["anon", "authenticated"] as const)(
    "denies execution to %s",
    async (role) => {
      await expect(
        queryAs(
          db,
          role,
          null,
          "select public.import_model_prices('[]', source => 'x')",
        ),
      ).rejects.toThrow("permission denied");
    },
  );

  test("enters each published price once", async () => {
    const script = await Deno.readTextFile(
      new URL("../../supabase/prices.sql", import.meta.url),
    );
    const count = () =>
      db.query<{ count: string }>(
        `select count(*)::text as count from model_prices
         where published and source ~ '^genai-prices \\d+\\.\\d+\\.\\d+$'`,
      ).then(([{ count }]) => Number(count));
    await db.exec(script);
    const listed = script.split("\n").filter((line) => line.startsWith("{"));
    expect(await count()).toBe(listed.length);
    await db.exec(script);
    expect(await count()).toBe(listed.length);
  });
});

test("concurrent imports enter each row once", async () => {
  const url = await createMigratedDatabase();
  const imports = [overPostgres(url), overPostgres(url), overPostgres(url)];
  const list = JSON.stringify(
    Array.from({ length: 200 }, (_, index) => ({
      provider: "acme",
      match_kind: "equals",
      match_value: `model-${index}`,
      effective_from: "1970-01-01T00:00:00Z",
      input_usd_per_mtok: "1",
    })),
  );
  const answers = await Promise.all(
    imports.map((database) =>
      database.query<{ answer: Answer }>(
        "select import_model_prices($1::text::jsonb, source => 'test', apply => true) as answer",
        [list],
      )
    ),
  );
  expect(answers.map(([{ answer }]) => answer.entered).sort())
    .toEqual([0, 0, 200]);
  await Promise.all(imports.map((database) => database.close()));
});
