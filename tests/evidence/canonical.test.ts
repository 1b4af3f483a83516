import { decodeHex } from "@std/encoding/hex.js";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { commitTo, parseLeaf } from "../../scripts/verify/parse-leaf.ts";
import {
  committedColumns,
  formatLeaf,
  hideCommitted,
  layouts,
  toRowLeaf,
} from "../../shared/evidence/leaf.ts";
import { LOG_NAMES, type LogName } from "../../shared/logs/index.ts";
import type { ColumnType, Member } from "../../shared/logs/log.ts";
import { toHex } from "../../shared/tlog/encoding.ts";
import { hashLeaf } from "../../shared/tlog/tree.ts";
import { ENGINES, useDatabase } from "../support/databases.ts";
import { LOGS } from "../support/specification.ts";
import { useParents } from "../support/log-rows.ts";

/** A value as an SQL literal, and its expected member of the leaf. */
interface Sample {
  literal: string | null;
  /** The literal itself when undefined. */
  member?: string;
}

const same = (...literals: string[]): Sample[] =>
  literals.map((literal) => ({ literal }));
const as = (literal: string, member: string): Sample => ({ literal, member });

/** Some columns of a row; the others are NULL or have required values. */
type Samples = Record<string, Sample>;

describe.each(ENGINES)("the text of a leaf on $name", (engine) => {
  const db = useDatabase(engine.migrated);
  const parents = useParents(db, beforeAll);
  let needed: Record<LogName, Samples>;
  beforeAll(async () => {
    // Rows from before the installation may hold any value of their types.
    for (const log of LOG_NAMES) {
      await db.exec(`alter table public.${log} disable trigger bound_values`);
    }
    const one = (literal: string): Sample => ({ literal });
    needed = {
      llm_usage_log: {
        firm_id: one(parents.firm1),
        model: one("m"),
        task_type: one("fallback"),
        input_tokens: one("1"),
        output_tokens: one("2"),
        cost_usd: one("0.000001"),
      },
      audit_log: {
        firm_id: one(parents.firm1),
        action: one("a"),
        entity_type: one("b"),
      },
      tool_usage_ledger: {
        agent_id: one(parents.agent),
        tool_id: one(parents.tool),
        created_at: as("1970-01-01 00:00:00+00", "0"),
      },
      model_usage_log: {
        reported_model_name: one("n"),
        reported_model_id: one("i"),
      },
    };
  });

  /**
   * Inserts rows, and asserts that SQL and TypeScript write the same leaf for each,
   * and that its hash was captured.
   */
  async function expectSame(log: LogName, rows: Samples[]): Promise<void> {
    const columns = layouts[log].map(({ name, type }) => ({ name, type }));
    const full = rows.map((row) => ({
      id: crypto.randomUUID(),
      row: { ...needed[log], ...row } as Samples,
    }));
    const lists = [
      full.map(({ id }) => id),
      ...columns.map(({ name }) =>
        full.map(({ row }) => row[name]?.literal ?? null)
      ),
    ];
    // As JSON, because drivers write arrays each in its own way.
    await db.query(
      `insert into public.${log} (id, ${columns.map(({ name }) => name)})
        select ${
        ["uuid", ...columns.map(({ type }) => type)].map((type, at) =>
          `(l.value ->> ${at})::${type}`
        )
      } from jsonb_array_elements($1::text::jsonb) with ordinality l order by l.ordinality`,
      [JSON.stringify(full.map((_, n) => lists.map((list) => list[n])))],
    );
    const [{ expression }] = await db.query<{ expression: string }>(
      "select ledger.leaf_expression($1, 'row/v1') as expression",
      [log],
    );
    const stages = committedColumns[log]
      .map((_, at) => `p.commitments[${at + 1}] as commitment${at + 1},`)
      .join("");
    const stored = await db.query<{
      id: string;
      text: string;
      hash: string;
      salts: string[];
      commitments: string[] | null;
    }>(
      `select r.id, ${expression} as text, encode(r.hash, 'hex') as hash,
          to_jsonb(array(select encode(s, 'hex') from unnest(r.salts) with ordinality u (s, n) order by n)) as salts
        from (
          select r.*, ${stages} p.hash,
            ledger.salts_of(s.seed, s.salts, cardinality(p.commitments)) as salts
          from public.${log} r
          join ledger.pending_leaves p on p.row_id = r.id
          join ledger.salts s on s.row_id = r.id
          where r.id in (select (v #>> '{}')::uuid from jsonb_array_elements($1::text::jsonb) v)
        ) r`,
      [JSON.stringify(full.map(({ id }) => id))],
    );
    const byId = new Map(stored.map((one) => [one.id, one]));
    expect(byId.size).toBe(rows.length);
    for (const { id, row } of full) {
      const { text, hash, salts } = byId.get(id)!;
      const members: Member[] = columns.map(({ name }) =>
        row[name] ? row[name].member ?? row[name].literal : null
      );
      const commitments = members
        .filter((_, at) => layouts[log][at].committed)
        .map((member, at) => commitTo(decodeHex(salts[at]), member));
      const leaf = toRowLeaf({
        kind: "row/v1",
        log,
        id,
        members: hideCommitted(log, members, commitments),
      });
      const wanted = formatLeaf(leaf);
      // Not expect(): a million of these take their time.
      if (text !== wanted) expect(text).toBe(wanted);
      if (hash !== toHex(hashLeaf(wanted))) {
        expect(hash, text).toBe(toHex(hashLeaf(wanted)));
      }
      expect(parseLeaf(text)).toEqual({ leaf });
    }
  }

  test(
    "is the same in SQL and TypeScript for every code point, in a member and in a commitment",
    async () => {
      const texts: string[] = [];
      let text = "";
      let count = 0;
      for (let point = 1; point <= 0x10ffff; point++) {
        if (point >= 0xd800 && point <= 0xdfff) continue;
        text += String.fromCodePoint(point);
        count++;
        if (count % 4096 === 0 || point === 0x10ffff) {
          texts.push(text);
          text = "";
        }
      }
      expect(count).toBe(0x10ffff - 0x800);
      for (let first = 0; first < texts.length; first += 32) {
        await expectSame(
          "llm_usage_log",
          texts.slice(first, first + 32).map((literal) => ({
            model: { literal },
            error_message: { literal },
          })),
        );
      }
    },
    120_000,
  );

  const TEXTS = [
    "",
    " ",
    "null",
    '"',
    "\\",
    "\\\\",
    '\\"',
    "/",
    "\b\f\n\r\t",
    "\u0001\u001f\u007f\u0080\u009f",
    "\\u0041",
    "\\x00",
    "%s %1$I %%",
    "$1 {{log}} $sql$",
    "'; drop table x; --",
    "\u2028\u2029\ufeff\ufffe\uffff",
    "e\u0301 é",
    "👩‍👩‍👧‍👦",
    "\u{10ffff}",
    "x".repeat(20_000),
  ];

  test("is the same in SQL and TypeScript for everything that JSON escapes", async () => {
    await expectSame(
      "model_usage_log",
      TEXTS.map((literal) => ({
        session_id: { literal },
        reported_model_name: { literal },
      })),
    );
    await expectSame(
      "audit_log",
      TEXTS.map((literal) => ({
        action: { literal: literal.slice(0, 999) },
        ip_address: { literal },
      })),
    );
  });

  test("has numbers as Postgres prints them, with the scale of their column", async () => {
    const numbers = [
      ...same(
        "0.000000",
        "0.000001",
        "-0.000001",
        "1.500000",
        "9999.999999",
        "-9999.999999",
        "NaN",
      ),
      as("0", "0.000000"),
      as("-0", "0.000000"),
      as("1e-6", "0.000001"),
      as("00012.5", "12.500000"),
      as("0.0000005", "0.000001"),
      as("-0.0000004", "0.000000"),
    ];
    await expectSame(
      "tool_usage_ledger",
      numbers.map((cost_usd) => ({ cost_usd })),
    );
    await expectSame(
      "llm_usage_log",
      numbers.map((cost_usd) => ({ cost_usd })),
    );
  });

  test("has integers from the least to the greatest", async () => {
    await expectSame(
      "tool_usage_ledger",
      same("0", "-1", "2147483647", "-2147483648").map((tokens_consumed) => ({
        tokens_consumed,
        execution_ms: tokens_consumed,
      })),
    );
  });

  test("has times as microseconds since 1970", async () => {
    const times = [
      as("1970-01-01 00:00:00+00", "0"),
      as("1970-01-01 00:00:00.000001+00", "1"),
      as("1969-12-31 23:59:59.999999+00", "-1"),
      as("1900-02-28 12:34:56.789012+00", "-2203932303210988"),
      as("2026-10-05 09:30:00.123456+02", "1791185400123456"),
      as("9999-12-31 23:59:59.999999+00", "253402300799999999"),
      as("0001-01-01 00:00:00+00", "-62135596800000000"),
      as("4713-01-01 00:00:00+00 BC", "-210863520000000000"),
      // The last second that there is: so late, Postgres rounds fractions off.
      as("294276-12-31 23:59:59+00", "9224318015999000000"),
      ...same("infinity", "-infinity"),
    ];
    await expectSame("audit_log", times.map((created_at) => ({ created_at })));
    await expectSame(
      "model_usage_log",
      times.map((captured_at) => ({ captured_at })),
    );
  });

  test("distinguishes true, false and null from texts", async () => {
    await expectSame(
      "model_usage_log",
      [...same("true", "false"), { literal: null }].map((
        config_matches_reported,
      ) => ({ config_matches_reported })),
    );
    await expectSame("model_usage_log", [
      { session_id: { literal: "null" } },
      { session_id: { literal: null } },
      { session_id: { literal: "" } },
    ]);
  });

  test("has uuids in lower case", async () => {
    const id = "ABCDEF01-2345-6789-ABCD-EF0123456789";
    await expectSame("audit_log", [
      { entity_id: as(id, id.toLowerCase()) },
      { entity_id: as(`{${id.replaceAll("-", "")}}`, id.toLowerCase()) },
    ]);
  });

  test("has jsonb as Postgres prints it", async () => {
    const values = [
      as("null", "null"),
      as("{}", "{}"),
      as("[ ]", "[]"),
      as('"a\\u00e4\\ud83d\\ude00"', '"aä😀"'),
      as('"\\u0001\\n\\/\\u007f"', '"\\u0001\\n/\u007f"'),
      as('{"bb":1,"a":2,"c":3,"aa":4}', '{"a": 2, "c": 3, "aa": 4, "bb": 1}'),
      as('{"ä":1,"z":2,"":3}', '{"": 3, "z": 2, "ä": 1}'),
      as('{"a":1,"a":2}', '{"a": 2}'),
      as(
        "[1,1.0,1.50,-0,1e2,1E-7,12345678901234567890]",
        "[1, 1.0, 1.50, 0, 100, 0.0000001, 12345678901234567890]",
      ),
      as('{"a":[true,{"b":null}]}', '{"a": [true, {"b": null}]}'),
      as('"%s $1 {{x}}"', '"%s $1 {{x}}"'),
    ];
    await expectSame("audit_log", values.map((metadata) => ({ metadata })));
    await expectSame(
      "model_usage_log",
      values.map((metadata) => ({ metadata })),
    );
  });

  /** Any text that Postgres stores. */
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: fc.constantFrom('"', "\\", "\n", "\u0007", "u", "%") }),
  ).map((value) => value.replaceAll("\0", ""));
  const money = fc.bigInt(-9999_999999n, 9999_999999n).map((millionths) => {
    const digits = String(millionths < 0n ? -millionths : millionths)
      .padStart(7, "0");
    return `${millionths < 0n ? "-" : ""}${digits.slice(0, -6)}.${
      digits.slice(-6)
    }`;
  });
  const LAST = 253402300799999999n;
  const time = fc.bigInt(-62135596800000000n, LAST).map((micros) => {
    const milliseconds = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n);
    const date = new Date(Number(milliseconds)).toISOString();
    const rest = String(micros - milliseconds * 1000n).padStart(3, "0");
    return as(date.replace("Z", `${rest}Z`).replace(/^\+/, ""), String(micros));
  });
  const ARBITRARIES: Record<ColumnType, fc.Arbitrary<Sample>> = {
    uuid: fc.uuid().map((literal) => ({ literal })),
    text: text.map((literal) => ({ literal })),
    integer: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((n) => ({
      literal: String(n),
    })),
    numeric: money.map((literal) => ({ literal })),
    boolean: fc.boolean().map((value) => ({ literal: String(value) })),
    timestamptz: time,
    jsonb: fc.jsonValue({ stringUnit: "binary" })
      .map((value) => ({
        literal: JSON.stringify(value).replaceAll("\\u0000", ""),
      })),
  };

  test.each(LOGS)(
    "is the same in SQL and TypeScript for random rows of %s",
    async (log) => {
      const choices: Record<string, fc.Arbitrary<string>> = {
        task_type: fc.constantFrom("extraction", "fallback"),
        phase: fc.constantFrom("LEAD", "UNKNOWN"),
        firm_id: fc.constantFrom(parents.firm1, parents.firm2),
        cma_project_id: fc.constantFrom(parents.project1, parents.project2),
        user_id: fc.constantFrom(parents.user1, parents.user2),
        agent_id: fc.constant(parents.agent),
        tool_id: fc.constant(parents.tool),
        venture_id: fc.constant(parents.venture),
      };
      const row = fc.record(
        Object.fromEntries(
          layouts[log].map(({ name, type }) => [
            name,
            choices[name]?.map((literal): Sample => ({ literal })) ??
              ARBITRARIES[type],
          ]),
        ),
        { requiredKeys: Object.keys(needed[log]) },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (
          rows,
        ) => {
          await expectSame(log, await printJson(rows));
        }),
        { numRuns: 25 },
      );
    },
  );

  /** Sets the member of metadata to the text that Postgres prints. */
  async function printJson(rows: Samples[]): Promise<Samples[]> {
    return await Promise.all(rows.map(async (row) => {
      if (!row.metadata?.literal) return row;
      const [{ member }] = await db.query<{ member: string }>(
        "select ($1::text)::jsonb::text as member",
        [row.metadata.literal],
      );
      return { ...row, metadata: { ...row.metadata, member } };
    }));
  }
});
