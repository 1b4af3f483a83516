import { beforeAll, describe, expect, test } from "vitest";
import {
  applyMigrations,
  ENGINES,
  type Migration,
  readMigrations,
  SERVER_ONLY,
  type TestDatabase,
  useDatabase,
} from "../../support/databases.ts";
import {
  FIRST_DATABASE,
  SECOND_DATABASE,
  TOOL_USAGE_ROWS,
} from "./existing-databases.ts";
import { DIFFERENCES, TO_FILL } from "./differing-tables.ts";
import { readCatalog } from "./snapshots.ts";

const BOTH = FIRST_DATABASE + SECOND_DATABASE + TOOL_USAGE_ROWS;

describe.each(SERVER_ONLY)(
  "a project's different tables on $name",
  (engine) => {
    let tables: Migration;
    const db = useDatabase(engine.empty);
    beforeAll(async () => {
      [tables] = await readMigrations();
      await db.exec(BOTH);
    });

    test.each(DIFFERENCES)(
      "$title is reported, with a remedy that fixes it",
      async ({ change, named, fill = "" }) => {
        await db.exec(`begin; ${change}`);
        try {
          const message = await refusal(db, tables);
          const lines = differencesOf(message);
          for (const name of named) {
            expect(lines.filter((line) => name.test(line)), message)
              .toHaveLength(1);
          }
          const remedies = remediesOf(message);
          expect(remedies).toHaveLength(lines.length);
          for (const remedy of remedies) {
            await db.exec(remedy.replace(TO_FILL, fill));
          }
          await db.exec(tables.sql);
        } finally {
          await db.exec("rollback");
        }
      },
    );
  },
);

describe.each(ENGINES)("all differences at once on $name", (engine) => {
  /** Those that leave the tables in place for the others. */
  const together = DIFFERENCES.filter(({ title }) => TOGETHER.includes(title));

  test("are in one error, change nothing, and have remedies that fix them", async () => {
    expect(together).toHaveLength(TOGETHER.length);
    const db = await engine.empty();
    await db.exec(BOTH + together.map(({ change }) => change).join(""));
    const before = await readCatalog(db.query);
    const message: string = await applyMigrations(db).then(
      () => "applied",
      (error) => error.cause.message,
    );
    const lines = differencesOf(message);
    for (const { named } of together) {
      for (const name of named) {
        expect(lines.filter((line) => name.test(line)), message)
          .not.toEqual([]);
      }
    }
    expect(await readCatalog(db.query)).toEqual(before);
    for (const remedy of remediesOf(message)) await db.exec(remedy);
    await applyMigrations(db);
    expect(await db.query("select * from ledger.doctor()")).toEqual([]);
    await db.close();
  });
});

const TOGETHER = [
  "a missing column",
  "a missing column with a default",
  "another type",
  "a time without its zone",
  "a dropped NOT NULL",
  "a missing default of the key",
  "a key with another action",
  "a further key that empties a documented column",
  "a CHECK of other values",
  "no primary key",
  "an unlogged table",
  "a log with a child",
  "a further column that is required",
  "a further unique constraint",
  "a parent without a key",
  "a parent without a firm",
  "a fn_is_chairman that returns text",
  "a table that has the name of one of ours",
];

/** The message with which the push refuses; the transaction goes on. */
async function refusal(
  { exec }: TestDatabase,
  { sql }: Migration,
): Promise<string> {
  await exec("savepoint push");
  const message = await exec(sql).then(() => "applied", (error) => {
    expect(error.code, error.message).toBe("55000");
    return error.message as string;
  });
  await exec("rollback to savepoint push");
  expect(message).toMatch(/^the tables of this project differ/);
  return message;
}

/** The lines that name a difference. */
function differencesOf(message: string): string[] {
  return message.split("\n").filter((line) => /^ {2}\S/.test(line));
}

/** The statements that the message prints. */
function remediesOf(message: string): string[] {
  return message.split("\n").filter((line) => /^ {4}\S/.test(line));
}
