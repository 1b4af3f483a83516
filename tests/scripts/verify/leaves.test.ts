import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { commitTo, parseLeaf } from "../../../scripts/verify/parse-leaf.ts";
import {
  committedColumns,
  formatLeaf,
  hideCommitted,
  isMember,
  layouts,
  type Leaf,
} from "../../../shared/evidence/leaf.ts";
import { isLogName, LOG_NAMES } from "../../../shared/logs/index.ts";
import { sha256, toHex } from "../../../shared/tlog/encoding.ts";
import { hashLeaf } from "../../../shared/tlog/tree.ts";

const ID = "70000000-0000-4000-8000-000000000001";
const FIRM = "10000000-0000-4000-8000-000000000001";
const HASH = "ab".repeat(32);

const row: Leaf = {
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

describe("the data of a leaf", () => {
  test("of a row is an array of its members in the order of the table", () => {
    expect(formatLeaf(row)).toBe(
      `["row/v1","public.llm_usage_log","${ID}","${FIRM}","${HASH}","gemini-2.0-flash","extraction","1200","80","0.000124",null,"true","${HASH}","1791192600000000"]`,
    );
  });

  test.each<[Leaf, string]>([
    [
      {
        kind: "tombstone/v1",
        log: "audit_log",
        id: ID,
        leaf: "0a".repeat(32),
      },
      `["tombstone/v1","public.audit_log","${ID}","${"0a".repeat(32)}"]`,
    ],
    [
      { kind: "tombstone/v1", log: "audit_log", id: ID, leaf: null },
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
    [row, formatLeaf(row)],
    [
      { ...row, kind: "backfill/v1" },
      formatLeaf(row).replace("row/v1", "backfill/v1"),
    ],
  ])("formats and parses as specified: %o", (leaf, data) => {
    expect(formatLeaf(leaf)).toBe(data);
    expect(parseLeaf(data)).toEqual({ leaf });
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
  ])("has %s as JSON.stringify writes them", (_, value, written) => {
    const leaf = { ...row, members: row.members.with(2, value) };
    expect(formatLeaf(leaf)).toContain(`"${written}"`);
    expect(parseLeaf(formatLeaf(leaf))).toEqual({ leaf });
  });

  test("has every Unicode character except surrogates", () => {
    for (let code = 1; code <= 0x1ffff; code += 0x400) {
      const codes = Array.from({ length: 0x400 }, (_, at) => code + at);
      const text = String.fromCodePoint(
        ...codes.filter((one) => one < 0xd800 || one > 0xdfff),
      );
      const leaf = { ...row, members: row.members.with(2, text) };
      expect(parseLeaf(formatLeaf(leaf))).toEqual({ leaf });
    }
  });

  test.each(["\ud800", "a\udc00", "\udc00\ud800"])(
    "has no lone surrogate: %j",
    (text) => {
      const leaf = { ...row, members: row.members.with(2, text) };
      expect(() => formatLeaf(leaf)).toThrow(TypeError);
      const written = JSON.stringify(text).slice(1, -1);
      const data = formatLeaf(row).replace("gemini-2.0-flash", written);
      expect(parseLeaf(data)).toHaveProperty("fault");
    },
  );

  const data = formatLeaf(row);
  test.each([
    ["nothing", ""],
    ["an empty array", "[]"],
    ["no array", `"row/v1"`],
    ["an object", "{}"],
    ["white space", data.replace(",", ", ")],
    ["a newline", `${data}\n`],
    ["an escape that is not needed", data.replace("gemini", "\\u0067emini")],
    ["an escaped slash", data.replace("row/v1", "row\\/v1")],
    ["a number", data.replace('"1200"', "1200")],
    ["a boolean", data.replace('"true"', "true")],
    ["a nested array", data.replace('"1200"', '["1200"]')],
    ["an unknown kind", data.replace("row/v1", "row/v2")],
    ["an unknown log", data.replace("llm_usage_log", "llm_usage_logs")],
    ["another schema", data.replace("public.", "private.")],
    ["no schema", data.replace("public.", "")],
    [
      "an id in upper case",
      data.replace(ID, "7000000A-0000-4000-8000-000000000001"),
    ],
    ["an id that is null", data.replace(`"${ID}"`, "null")],
    ["a member too few", data.replace('"1200",', "")],
    ["a member too many", data.replace('"1200",', '"1200","1200",')],
    ["a value for a commitment", data.replace(HASH, FIRM)],
    ["null for a commitment", data.replace(`"${HASH}"`, "null")],
    ["a commitment in upper case", data.replace(HASH, HASH.toUpperCase())],
    ["an integer that is none", data.replace("1200", "1200.0")],
    ["an integer with a zero", data.replace("1200", "01200")],
    ["a numeric that is none", data.replace("0.000124", "1.24e-4")],
    ["a boolean that is none", data.replace("true", "t")],
    ["a time that is none", data.replace("1791192600000000", "2026-10-05")],
    [
      "a tombstone with text in place of a hash",
      `["tombstone/v1","public.audit_log","${ID}","x"]`,
    ],
    [
      "a tombstone without the hash",
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
