import { sql } from "kysely";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import {
  createPostgresPool,
  type PostgresPool,
} from "../../local/postgres-pool.ts";

let pool: PostgresPool;
beforeAll(() => pool = createPostgresPool(inject("postgresUrl")));
afterAll(() => pool.close());

test("a transaction with a failed statement does not count as committed", async () => {
  const work = pool.connection.kysely.transaction().execute(async (open) => {
    await sql`select 1 / 0`.execute(open).catch(() => {});
  });
  await expect(work).rejects.toThrow("the transaction was rolled back");
});

test("a transaction commits, and an error in it reaches the caller as it is", async () => {
  const { kysely } = pool.connection;
  const committed = await kysely.transaction()
    .setIsolationLevel("serializable").setAccessMode("read only")
    .execute(async (open) =>
      (await sql<{ level: string; mode: string }>`
        select current_setting('transaction_isolation') as level,
          current_setting('transaction_read_only') as mode`.execute(open)).rows
    );
  expect(committed).toEqual([{ level: "serializable", mode: "on" }]);
  const failure = kysely.transaction()
    .execute((open) => sql`select 1 / 0`.execute(open));
  await expect(failure).rejects.toMatchObject({ code: "22012" });
});

test("a statement reports the number of rows that it wrote", async () => {
  const { kysely } = pool.connection;
  const written = await kysely.transaction().execute(async (open) => {
    await sql`create temporary table counted (n int) on commit drop`
      .execute(open);
    return await sql`insert into counted values (1), (2)`.execute(open);
  });
  expect(written.numAffectedRows).toBe(2n);
});
