import postgres from "postgres";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createDatabase } from "../../local/postgres.ts";
import { joinPreamble, type Run } from "../../local/transaction-preamble.ts";

let sql: postgres.Sql;
let sent: string[];
let run: Run;

beforeAll(async () => {
  const url = await createDatabase({ url: inject("postgresUrl") });
  sql = postgres(url, { max: 1, onnotice: () => {} });
  run = joinPreamble((statement, parameters) => {
    sent.push(statement);
    return sql.unsafe(statement, parameters as never[]);
  });
});
afterAll(() => sql.end());

async function begin(...settings: [string, unknown[]][]): Promise<void> {
  sent = [];
  await run("begin", []);
  for (const [statement, parameters] of settings) {
    await run(statement, parameters);
  }
}

test("settings hold for the statement after them, and reach the server as they are", async () => {
  const hostile = `'; drop table x; -- \\' $1 E'\\x00 "é" \\`;
  await begin(
    ["SELECT set_config('a.b', $1, true)", [hostile]],
    ['SET LOCAL ROLE "pg_monitor"', []],
  );
  expect(sent).toEqual([]);
  const rows = await run(
    "select current_setting('a.b') as value, current_user::text as role, $1::text as own",
    ["x"],
  );
  expect([...rows]).toEqual([{ value: hostile, role: "pg_monitor", own: "x" }]);
  expect(sent).toHaveLength(3);
  await run("commit", []);
  const [after] = await run("select current_user::text as role", []);
  expect(after).not.toEqual({ role: "pg_monitor" });
});

test.each([
  ["is refused", 'SET LOCAL ROLE "nobody-of-that-name"', "22023"],
  ["is no statement", "select set_config('", "42601"],
])(
  "nothing is run after a setting that %s, and its error is told",
  async (_, setting, code) => {
    await begin([setting, []]);
    await expect(run("create table made_without_role ()", [])).rejects
      .toMatchObject({ code });
    await run("rollback", []);
    expect([
      ...await run("select to_regclass('made_without_role')::text as t", []),
    ]).toEqual([{ t: null }]);
  },
);

test("a setting without a transaction is run by itself", async () => {
  sent = [];
  await run("select set_config('a.c', $1, false)", ["kept"]);
  expect(sent).toHaveLength(1);
  expect([...await run("select current_setting('a.c') as value", [])])
    .toEqual([{ value: "kept" }]);
});
