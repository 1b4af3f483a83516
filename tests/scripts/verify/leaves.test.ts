import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  commitTo,
  openLeaf,
  parseLeaf,
} from "../../../scripts/verify/parse-leaf.ts";
import {
  committedColumns,
  formatLeaf,
  formatMembers,
  hideCommitted,
  isMember,
  layouts,
  type Leaf,
  type RecordedRow,
  toRowLeaf,
} from "../../../shared/evidence/leaf.ts";
import { isLogName, LOG_NAMES } from "../../../shared/logs/index.ts";
import type { Member } from "../../../shared/logs/log.ts";
import { sha256, toHex } from "../../../shared/tlog/encoding.ts";
import { hashLeaf } from "../../../shared/tlog/tree.ts";

const ID = "70000000-0000-4000-8000-000000000001";
const FIRM = "10000000-0000-4000-8000-000000000001";
const HASH = "ab".repeat(32);

const row: RecordedRow = {
  kind: "row/v1",
  log: "llm_usage_log",
  id: ID,
  members: [
    FIRM,
    HASH,
    "gemini-2.0-flash",
    "extraction",
    "1200",
    "80",
    "0.000124",
    null,
    "true",
    HASH,
    "1791192600000000",
  ],
};

/** The digest of a text, as another library computes it. */
const digestOf = (text: string) =>
  createHash("sha256").update(text).digest("hex");

describe("the members of a row", () => {
  const text =
    `["${FIRM}","${HASH}","gemini-2.0-flash","extraction","1200","80","0.000124",null,"true","${HASH}","1791192600000000"]`;
  const leaf = toRowLeaf(row);

  test("are an array in the order of the table, whose digest the leaf has", () => {
    expect(formatMembers(row.members)).toBe(text);
    const { kind, log, id } = row;
    expect(leaf).toEqual({ kind, log, id, digest: digestOf(text) });
    expect(openLeaf(leaf, text)).toEqual(row);
  });

  test.each([
    ["quotes and backslashes", 'a"b\\c', 'a\\"b\\\\c'],
    [
      "control characters",
      "\b\t\n\f\r\x01\x1f\x7f",
      "\\b\\t\\n\\f\\r\\u0001\\u001f\x7f",
    ],
    [
      "what other writers escape",
      "</>&'\u2028\u2029é🙂",
      "</>&'\u2028\u2029é🙂",
    ],
  ])("have %s as JSON.stringify writes them", (_, value, written) => {
    const members = row.members.with(2, value);
    expect(formatMembers(members)).toContain(`"${written}"`);
    expectOpened(members);
  });

  test("have every Unicode character except surrogates", () => {
    for (let code = 1; code <= 0x1ffff; code += 0x400) {
      const codes = Array.from({ length: 0x400 }, (_, at) => code + at);
      expectOpened(row.members.with(
        2,
        String.fromCodePoint(
          ...codes.filter((one) => one < 0xd800 || one > 0xdfff),
        ),
      ));
    }
  });

  function expectOpened(members: Member[]) {
    const text = formatMembers(members);
    const leaf = toRowLeaf({ ...row, members });
    expect(leaf.digest).toBe(digestOf(text));
    expect(openLeaf(leaf, text)).toEqual({ ...row, members });
  }

  test.each(["\ud800", "a\udc00", "\udc00\ud800"])(
    "have no lone surrogate: %j",
    (lone) => {
      const members = row.members.with(2, lone);
      expect(() => toRowLeaf({ ...row, members })).toThrow(TypeError);
      const written = JSON.stringify(lone).slice(1, -1);
      expectClosed(text.replace("gemini-2.0-flash", written));
    },
  );

  test("are those of the digest only", () => {
    expect(openLeaf(leaf, text.replace("1200", "1201"))).toBeNull();
    expect(openLeaf({ ...leaf, log: "audit_log" }, text)).toBeNull();
  });

  test.each([
    ["nothing", ""],
    ["an object", "{}"],
    ["white space", text.replace(",", ", ")],
    ["a newline", `${text}\n`],
    ["an escape that is not needed", text.replace("gemini", "\\u0067emini")],
    ["an escaped slash", text.replace("gemini", "\\/")],
    ["a number", text.replace('"1200"', "1200")],
    ["a boolean", text.replace('"true"', "true")],
    ["a nested array", text.replace('"1200"', '["1200"]')],
    ["a member too few", text.replace('"1200",', "")],
    ["a member too many", text.replace('"1200",', '"1200","1200",')],
    ["a value for a commitment", text.replace(HASH, FIRM)],
    ["null for a commitment", text.replace(`"${HASH}"`, "null")],
    ["a commitment in upper case", text.replace(HASH, HASH.toUpperCase())],
    ["an integer that is none", text.replace("1200", "1200.0")],
    ["an integer with a zero", text.replace("1200", "01200")],
    ["a numeric that is none", text.replace("0.000124", "1.24e-4")],
    ["a boolean that is none", text.replace("true", "t")],
    ["a time that is none", text.replace("1791192600000000", "2026-10-05")],
  ])("cannot have %s, even with its digest", (_, changed) => {
    expect(changed).not.toBe(text);
    expectClosed(changed);
  });

  function expectClosed(changed: string) {
    expect(openLeaf({ ...leaf, digest: digestOf(changed) }, changed))
      .toBeNull();
  }
});

describe("the data of a leaf", () => {
  test.each<[Leaf, string]>([
    [
      {
        kind: "tombstone/v1",
        log: "audit_log",
        id: ID,
        digest: "0a".repeat(32),
      },
      `["tombstone/v1","public.audit_log","${ID}","${"0a".repeat(32)}"]`,
    ],
    [
      { kind: "tombstone/v1", log: "audit_log", id: ID, digest: null },
      `["tombstone/v1","public.audit_log","${ID}",null]`,
    ],
    [
      { kind: "fk-null/v1", log: "audit_log", id: ID, column: "user_id" },
      `["fk-null/v1","public.audit_log","${ID}","user_id"]`,
    ],
    [
      {
        kind: "redact/v1",
        log: "audit_log",
        id: ID,
        column: "metadata",
        ticket: "T-1",
        approvers: ["ann", "bob"],
      },
      `["redact/v1","public.audit_log","${ID}","metadata","T-1","ann","bob"]`,
    ],
    [{ kind: "seal/v1", cut: "742", sealed: "12" }, `["seal/v1","742","12"]`],
    [
      { kind: "row/v1", log: "audit_log", id: ID, digest: HASH },
      `["row/v1","public.audit_log","${ID}","${HASH}"]`,
    ],
    [
      { kind: "backfill/v1", log: "audit_log", id: ID, digest: HASH },
      `["backfill/v1","public.audit_log","${ID}","${HASH}"]`,
    ],
  ])("formats and parses as specified: %o", (leaf, data) => {
    expect(formatLeaf(leaf)).toBe(data);
    expect(parseLeaf(data)).toEqual({ leaf });
  });

  const data = formatLeaf(toRowLeaf(row));
  test.each([
    ["nothing", ""],
    ["an empty array", "[]"],
    ["no array", `"row/v1"`],
    ["an object", "{}"],
    ["white space", data.replace(",", ", ")],
    ["a newline", `${data}\n`],
    ["an escape that is not needed", data.replace("llm", "\\u006clm")],
    ["an escaped slash", data.replace("row/v1", "row\\/v1")],
    ["a number", data.replace(/"[^"]*"]/, "1]")],
    ["a nested array", data.replace(/("[^"]*")]/, "[$1]]")],
    ["an unknown kind", data.replace("row/v1", "row/v2")],
    ["an unknown log", data.replace("llm_usage_log", "llm_usage_logs")],
    ["another schema", data.replace("public.", "private.")],
    ["no schema", data.replace("public.", "")],
    [
      "an id in upper case",
      data.replace(ID, "7000000A-0000-4000-8000-000000000001"),
    ],
    ["an id that is null", data.replace(`"${ID}"`, "null")],
    ["a row without its digest", data.replace(/,"[^"]*"]/, "]")],
    ["a row with more", data.replace(/]$/, ',"x"]')],
    ["a row with null for its digest", data.replace(/"[^"]*"]/, "null]")],
    [
      "a digest in upper case",
      data.replace(/[^"]*"]/, `${HASH.toUpperCase()}"]`),
    ],
    [
      "a tombstone with text in place of a digest",
      `["tombstone/v1","public.audit_log","${ID}","x"]`,
    ],
    [
      "a tombstone without the digest",
      `["tombstone/v1","public.audit_log","${ID}"]`,
    ],
    [
      "a tombstone with more",
      `["tombstone/v1","public.audit_log","${ID}",null,"x"]`,
    ],
    ["an fk-null without column", `["fk-null/v1","public.audit_log","${ID}"]`],
    [
      "an fk-null of no reference",
      `["fk-null/v1","public.audit_log","${ID}","metadata"]`,
    ],
    [
      "an fk-null of what is not committed",
      `["fk-null/v1","public.audit_log","${ID}","firm_id"]`,
    ],
    [
      "an fk-null with more",
      `["fk-null/v1","public.audit_log","${ID}","user_id","x"]`,
    ],
    [
      "a redact of an unknown column",
      `["redact/v1","public.audit_log","${ID}","meta","T-1","a","b"]`,
    ],
    [
      "a redact of what is not committed",
      `["redact/v1","public.audit_log","${ID}","action","T-1","a","b"]`,
    ],
    [
      "a redact with one approver",
      `["redact/v1","public.audit_log","${ID}","metadata","T-1","a"]`,
    ],
    [
      "a redact with three",
      `["redact/v1","public.audit_log","${ID}","metadata","T-1","a","b","c"]`,
    ],
    [
      "a redact without ticket",
      `["redact/v1","public.audit_log","${ID}","metadata","","a","b"]`,
    ],
    [
      "a redact with a null approver",
      `["redact/v1","public.audit_log","${ID}","metadata","T-1",null,"b"]`,
    ],
    ["a seal with more", `["seal/v1","742","12","x"]`],
    ["a seal without cut", `["seal/v1",null,"12"]`],
    ["a seal with a zero", `["seal/v1","0742","12"]`],
    ["a name of every object", `["tombstone/v1","public.constructor","${ID}"]`],
  ])("cannot have %s", (_, text) => {
    expect(parseLeaf(text)).toHaveProperty("fault");
  });
});

describe("a commitment", () => {
  const salt = new Uint8Array(16).fill(0x5a);

  test("is the hash of salt, 1 and value, or of salt and 0", () => {
    const sha = (...parts: (Uint8Array | string)[]) => {
      const hash = createHash("sha256");
      for (const part of parts) hash.update(part);
      return hash.digest("hex");
    };
    expect(commitTo(salt, "é")).toBe(
      sha(salt, new Uint8Array([1, 0xc3, 0xa9])),
    );
    expect(commitTo(salt, "")).toBe(sha(salt, new Uint8Array([1])));
    expect(commitTo(salt, null)).toBe(sha(salt, new Uint8Array([0])));
  });

  test("differs for another salt", () => {
    const other = new Uint8Array(16).fill(0x5b);
    expect(commitTo(salt, "x")).not.toBe(commitTo(other, "x"));
  });

  test.each([0, 15, 17, 32])(
    "needs a salt of 16 bytes, not %i",
    (length) => {
      expect(() => commitTo(new Uint8Array(length), "x")).toThrow(RangeError);
    },
  );

  test("replaces the value in the leaf", () => {
    const members = ["f", "u", "a", "e", null, "{}", null, "1"];
    expect(hideCommitted("audit_log", members, ["c1", "c2", "c3", "c4"]))
      .toEqual(["f", "c1", "a", "e", "c2", "c3", "c4", "1"]);
    expect(
      hideCommitted(
        "tool_usage_ledger",
        ["a", null, "t", "1", "0", null, "2"],
        [],
      ),
    ).toEqual(["a", null, "t", "1", "0", null, "2"]);
  });
});

describe("the layouts", () => {
  test("commit to erasable columns", () => {
    const names = Object.fromEntries(
      Object.entries(committedColumns).map((
        [log, columns],
      ) => [log, columns.map(({ name }) => name)]),
    );
    expect(names).toEqual({
      llm_usage_log: ["cma_project_id", "error_message"],
      audit_log: ["user_id", "entity_id", "metadata", "ip_address"],
      tool_usage_ledger: [],
      model_usage_log: ["metadata"],
    });
  });

  test("have unique columns, without id", () => {
    for (const log of LOG_NAMES) {
      const names = layouts[log].map(({ name }) => name);
      expect(names).not.toContain("id");
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test("know no log by a prototype's member", () => {
    expect(["audit_log", "toString", "__proto__", null, 1].map(isLogName))
      .toEqual([true, false, false, false, false]);
  });

  test("accept every value that Postgres prints for its type", () => {
    expect(isMember("numeric", "NaN")).toBe(true);
    expect(isMember("numeric", "-9999.999999")).toBe(true);
    expect(isMember("timestamptz", "-infinity")).toBe(true);
    expect(isMember("timestamptz", "-62135596800000000")).toBe(true);
    expect(isMember("integer", "-2147483648")).toBe(true);
    expect(isMember("integer", "-0")).toBe(false);
    expect(isMember("text", "")).toBe(true);
    expect(isMember("jsonb", null)).toBe(true);
  });
});

test("SHA-256 equals node:crypto's, for every length up to three blocks", () => {
  for (let length = 0; length <= 200; length++) {
    const bytes = Uint8Array.from({ length }, (_, at) => at * 7 + length);
    expect(toHex(sha256(bytes))).toBe(
      createHash("sha256").update(bytes).digest("hex"),
    );
  }
  expect(toHex(hashLeaf("x"))).toBe(
    createHash("sha256").update("\0x").digest("hex"),
  );
});
