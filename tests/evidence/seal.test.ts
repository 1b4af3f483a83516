import { decodeBase64 } from "@std/encoding/base64.js";
import { decodeHex } from "@std/encoding/hex.js";
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  test,
} from "vitest";
import { formatLeaf } from "../../shared/evidence/leaf.ts";
import { type Bytes, toHex } from "../../shared/tlog/encoding.ts";
import { hashLeaf, hashTree } from "../../shared/tlog/tree.ts";
import { listNewTiles, TILE_WIDTH } from "../../shared/tlog/tiles.ts";
import {
  createMigratedDatabase,
  overPostgres,
  type Query,
  queryAs,
  SERVER_ONLY,
  type TestDatabase,
  useDatabase,
} from "../support/databases.ts";
import { addModelUsage } from "../support/log-rows.ts";
import { seal, sealAll, type Sealed } from "../support/evidence-leaves.ts";

interface IndexedLeaf {
  index: number;
  kind: string;
  row_id: string | null;
  data: string | null;
  hash: string;
}

const readTree = (query: Query) =>
  query<IndexedLeaf>(
    `select index::int, kind, row_id, data, encode(hash, 'hex') as hash from ledger.leaves order by index`,
  );

const addRows = async (query: Query, count: number) => {
  const rows = await query<{ id: string }>(
    `insert into public.model_usage_log (reported_model_name, reported_model_id)
      select 'a', 'b' from generate_series(1, $1::int) returning id`,
    [count],
  );
  return rows.map(({ id }) => id);
};

/** Puts leaves without rows among the pending ones, of a transaction long ago. */
const addPending = (query: Query, count: number) =>
  query(
    `insert into ledger.pending_leaves (xid, kind, log, row_id, hash)
      select '3', 'row', 'model_usage_log', gen_random_uuid(), sha256(convert_to(i::text, 'UTF8'))
      from generate_series(1, $1::int) i`,
    [count],
  );

describe.each(SERVER_ONLY)("sealing on $name", (engine) => {
  const db = useDatabase(engine.migrated);

  test("gives committed leaves indexes from 0, and adds a seal leaf", async () => {
    const ids = await addRows(db.query, 3);
    const pending = await db.query<{ hash: string }>(
      "select encode(hash, 'hex') as hash from ledger.pending_leaves order by seq",
    );
    const sealed = await sealAll(db);
    const tree = await readTree(db.query);
    expect(tree.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(tree.slice(0, 3)).toMatchObject(
      ids.map((row_id, n) => ({ kind: "row", row_id, hash: pending[n].hash })),
    );
    const data = formatLeaf({ kind: "seal/v1", cut: sealed.cut, sealed: "3" });
    expect(tree[3]).toEqual({
      index: 3,
      kind: "seal",
      row_id: null,
      data,
      hash: toHex(hashLeaf(data)),
    });
    expect(sealed).toMatchObject({
      size: 4,
      sealed: 3,
      pending: 0,
      held_back: 0,
      oldest_pending_seconds: null,
    });
  });

  test("without pending leaves adds nothing", async () => {
    const { size } = await sealAll(db);
    expect(await seal(db.query)).toMatchObject({ size, sealed: 0 });
    expect(await readTree(db.query)).toHaveLength(size);
  });

  test("orders rows by their transactions, once each", async () => {
    const { size } = await sealAll(db);
    const ids: string[] = [];
    for (let n = 1; n <= 3; n++) ids.push(...await addRows(db.query, n));
    await sealAll(db);
    ids.push(...await addRows(db.query, 1));
    await sealAll(db);
    const tree = (await readTree(db.query)).slice(size);
    expect(tree.map(({ index }) => index)).toEqual(
      tree.map((_, n) => size + n),
    );
    expect(tree.filter(({ kind }) => kind === "row").map((l) => l.row_id))
      .toEqual(ids);
  });

  test("seals up to its limit, and claims completeness only below its cut", async () => {
    await sealAll(db);
    await db.exec("begin");
    try {
      await db.exec(
        `insert into ledger.pending_leaves (xid, kind, log, row_id, hash)
        select x::text::xid8, 'row', 'model_usage_log', gen_random_uuid(), '\\x00'
        from generate_series(10, 14) x, generate_series(1, 2)`,
      );
      const cuts: string[] = [];
      for (const [wanted, cut] of [[1, "10"], [3, "12"], [2, "13"]]) {
        const sealed = await seal(db.query, Number(wanted));
        expect(sealed).toMatchObject({ sealed: wanted, cut, held_back: 0 });
        cuts.push(sealed.cut);
      }
      const last = await seal(db.query);
      expect(last).toMatchObject({ sealed: 4, pending: 0 });
      expect(BigInt(last.cut)).toBeGreaterThan(14n);
      const rows = await db.query<{ data: string }>(
        "select data from ledger.leaves where kind = 'seal' order by index desc limit 4",
      );
      expect(rows.map(({ data }) => JSON.parse(data)[1]).reverse()).toEqual([
        ...cuts,
        last.cut,
      ]);
      expect(await seal(db.query, 0)).toMatchObject({ sealed: 0 });
    } finally {
      await db.exec("rollback");
    }
  });

  test("a transaction's own rows stay pending until its end", async () => {
    await sealAll(db);
    await db.exec("begin");
    const [id] = await addRows(db.query, 1);
    const sealed = await seal(db.query);
    await db.exec("commit");
    expect(sealed).toMatchObject({ sealed: 0, pending: 1, held_back: 1 });
    await sealAll(db);
    expect((await readTree(db.query)).filter((l) => l.row_id === id))
      .toHaveLength(1);
  });

  test("a seal that is rolled back seals nothing", async () => {
    const ids = await addRows(db.query, 300);
    await db.exec("begin");
    await seal(db.query);
    await db.exec("rollback");
    await sealAll(db);
    const tree = await readTree(db.query);
    for (const id of [ids[0], ids[299]]) {
      expect(tree.filter((l) => l.row_id === id)).toHaveLength(1);
    }
    await expectTiles(db.query);
  });

  test.each([
    ["ledger.leaves", "hash"],
    ["ledger.nodes", "hash"],
    ["ledger.checkpoints", "root"],
  ])(
    "%s is append-only, for its owner and in replica mode",
    async (table, column) => {
      for (
        const statement of [
          `update ${table} set ${column} = ${column}`,
          `delete from ${table}`,
          `delete from ${table} where false`,
          `truncate ${table}`,
        ]
      ) {
        for (const mode of ["origin", "replica"]) {
          await expect(
            db.exec(
              `begin; set local session_replication_role = ${mode}; ${statement}; commit`,
            ),
            statement,
          ).rejects.toMatchObject({
            code: "42501",
            message: expect.stringContaining("evidence is only ever added to"),
          });
          await db.exec("rollback");
        }
      }
    },
  );

  test("an existing hash cannot be replaced by an insert", async () => {
    await addRows(db.query, 1);
    await sealAll(db);
    await expect(
      db.query(
        `insert into ledger.leaves (index, kind, hash) values (0, 'row', '\\x00')
          on conflict (index) do update set hash = excluded.hash`,
      ),
    ).rejects.toMatchObject({ code: "42501" });
  });

  describe("the tiles of SQL equal those of TypeScript", () => {
    const sizes = engine.name === "PGlite"
      ? [2, 255, 256, 257, 511, 512, 513]
      : [2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 131_072];
    let empty: TestDatabase;
    beforeAll(async () => {
      empty = await engine.migrated();
    });
    afterAll(() => empty.close());
    beforeEach(() => empty.exec("begin"));

    test.each(sizes)("for a tree of %i leaves sealed at once", async (size) => {
      try {
        await addPending(empty.query, size - 1);
        const sealed = await seal(empty.query, size);
        expect(sealed.size).toBe(size);
        await expectTiles(empty.query);
      } finally {
        await empty.exec("rollback");
      }
    }, 120_000);

    test("for a tree that grew in many seals", async () => {
      try {
        for (const count of [1, 253, 1, 1, 254, 700, 3, 252, 255]) {
          await addPending(empty.query, count);
          await seal(empty.query);
          await expectTiles(empty.query);
        }
      } finally {
        await empty.exec("rollback");
      }
    });
  });

  test("missing and malformed tiles are null", async () => {
    const [{ tiles }] = await db.query<{ tiles: (string | null)[] }>(
      `select ledger.tiles('[{"level":0,"index":999999},{"level":9,"index":0},{"level":-1,"index":0},{"level":0,"index":-1}]') as tiles`,
    );
    expect(tiles).toEqual([null, null, null, null]);
    expect(await db.query("select ledger.tiles('[]') as tiles")).toEqual([
      { tiles: [] },
    ]);
  });

  test("the service role may seal through the API", async () => {
    await addModelUsage(db.query);
    const [{ sealed }] = await queryAs<{ sealed: Sealed }>(
      db,
      "service_role",
      null,
      "select public.seal_ledger() as sealed",
    );
    expect(sealed.busy).toBeUndefined();
  });
});

describe("concurrent sealing on PostgreSQL 17", () => {
  let db: TestDatabase;
  let other: TestDatabase;
  let third: TestDatabase;
  beforeAll(async () => {
    const url = await createMigratedDatabase();
    [db, other, third] = [1, 2, 3].map(() => overPostgres(url));
  });
  afterAll(async () => {
    for (const one of [db, other, third]) await one.close();
  });

  const wasSealed = async (id: string) =>
    (await db.query("select from ledger.leaves where row_id = $1", [id]))
      .length > 0;

  test("an open transaction holds back later leaves until its end", async () => {
    const [before] = await addRows(db.query, 1);
    await sealAll(db);
    await other.exec("begin");
    const open = await addModelUsage(other.query);
    const [after] = await addRows(db.query, 1);
    const sealed = await seal(third.query);
    // The open transaction's own row is not to be seen yet.
    expect(sealed).toMatchObject({ sealed: 0, pending: 1, held_back: 1 });
    expect(sealed.oldest_pending_seconds).toBeGreaterThanOrEqual(0);
    expect(await wasSealed(after)).toBe(false);
    await other.exec("commit");
    await sealAll(db);
    const tree = await readTree(db.query);
    const place = (id: string) => tree.findIndex((l) => l.row_id === id);
    expect(place(before)).toBeLessThan(place(open));
    expect(place(open)).toBeLessThan(place(after));
  });

  test("the age of the oldest pending leaf is reported", async () => {
    await sealAll(db);
    await other.exec("begin; select pg_current_xact_id()");
    await addRows(db.query, 1);
    await db.exec(
      "update ledger.pending_leaves set captured_at = captured_at - interval '90 seconds'",
    );
    const { oldest_pending_seconds } = await seal(db.query);
    await other.exec("rollback");
    expect(oldest_pending_seconds).toBeGreaterThanOrEqual(90);
    expect(oldest_pending_seconds).toBeLessThan(120);
    await sealAll(db);
  });

  test("an open transaction that has only read holds back nothing", async () => {
    await other.exec(
      "begin isolation level repeatable read; select from public.model_usage_log",
    );
    const [id] = await addRows(db.query, 1);
    await sealAll(db);
    await other.exec("commit");
    expect(await wasSealed(id)).toBe(true);
  });

  test("a rolled-back row is never sealed, and holds back nothing", async () => {
    await other.exec("begin");
    const undone = await addModelUsage(other.query);
    await other.exec("rollback");
    const [id] = await addRows(db.query, 1);
    await sealAll(db);
    expect(await wasSealed(undone)).toBe(false);
    expect(await wasSealed(id)).toBe(true);
  });

  test("a second sealer gets busy and does not wait", async () => {
    await addRows(db.query, 1);
    await other.exec("begin");
    await seal(other.query);
    const [{ busy }] = await db.query<{ busy: unknown }>(
      "select ledger.seal() as busy",
    );
    await other.exec("commit");
    expect(busy).toEqual({ busy: true });
    await sealAll(db);
  });

  test("a sealer whose snapshot is older than another's seal changes nothing", async () => {
    await addRows(db.query, 2);
    await other.exec(
      "begin isolation level repeatable read; select from ledger.leaves",
    );
    await sealAll(db);
    const before = await readTree(db.query);
    await expect(seal(other.query)).rejects.toMatchObject({ code: "40001" });
    await other.exec("rollback");
    expect(await readTree(db.query)).toEqual(before);
  });
});

/** Asserts that every tile is as the leaves' hashes say. */
async function expectTiles(query: Query): Promise<void> {
  const [{ hex }] = await query<{ hex: string }>(
    "select encode(string_agg(hash, '' order by index), 'hex') as hex from ledger.leaves",
  );
  const bytes = decodeHex(hex) as Bytes;
  const size = bytes.length / 32;
  let level: Bytes[] = [];
  for (let at = 0; at < bytes.length; at += 32) {
    level.push(bytes.subarray(at, at + 32));
  }
  const levels = [level];
  while (level.length >= TILE_WIDTH) {
    const above: Bytes[] = [];
    for (let n = 0; (n + 1) * TILE_WIDTH <= level.length; n++) {
      above.push(hashTree(level.slice(n * TILE_WIDTH, (n + 1) * TILE_WIDTH)));
    }
    levels.push(level = above);
  }
  const wanted = [...listNewTiles(0, size)];
  const [{ tiles }] = await query<{ tiles: string[] }>(
    "select ledger.tiles($1::text::jsonb) as tiles",
    [JSON.stringify(wanted)],
  );
  for (const [n, { level, index, width }] of wanted.entries()) {
    const expected = levels[level].slice(
      index * TILE_WIDTH,
      index * TILE_WIDTH + width,
    );
    expect(toHex(decodeBase64(tiles[n])), `tile ${level}/${index}`).toBe(
      expected.map(toHex).join(""),
    );
  }
  const [{ above }] = await query<{ above: number }>(
    "select count(*)::int as above from ledger.nodes where level >= $1",
    [levels.length],
  );
  expect(above).toBe(0);
}
