import { parse } from "@std/csv/parse.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toCsvLine } from "../../shared/http/format.ts";

/** Undoes the apostrophes, as docs/reading.md describes it. */
function readText(field: string): string {
  return field
    .replace(
      /(?<=[;|\t\r\n])'(?=(?:(?![\t\r\n])[\s\p{Cc}\p{Cf}"'])*[=+\-@＝＋－＠﹦﹢﹣﹫])/gu,
      "",
    )
    .replace(/^'/, "");
}

/**
 * The cells that a spreadsheet with this separator makes of a line. Quotes count at the
 * start of a cell only; after the closing quote the text continues.
 */
function split(line: string, separator: string): string[] {
  const cells: string[] = [];
  for (let at = 0; at <= line.length; at++) {
    let cell = "";
    if (line[at] === '"') {
      for (at++; at < line.length; at++) {
        if (line[at] !== '"') cell += line[at];
        else if (line[at + 1] === '"') cell += line[++at];
        else break;
      }
      at++;
    }
    while (at < line.length && !`${separator}\r\n`.includes(line[at])) {
      cell += line[at++];
    }
    cells.push(cell);
  }
  return cells;
}

/** Whether a spreadsheet may run a cell, which ignores what precedes the sign. */
function isFormula(cell: string): boolean {
  const text = cell.normalize("NFKC").replace(/^[\s\p{Cc}\p{Cf}"]+/u, "");
  return /^[=+\-@]/.test(text) && !/^[+-]?\d+(\.\d+)?$/.test(text);
}

const HOSTILE = fc.array(
  fc.constantFrom(
    ...[
      "=1+1",
      "=",
      "+",
      "-",
      "@",
      "＝",
      "＋",
      "－",
      "＠",
      "﹦",
      ";",
      "|",
      "\t",
    ],
    ...["\r", "\n", ",", '"', "'", " ", "\u00a0", "\ufeff", "\u200b", "\0"],
    ...["x", "5", "-5", "."],
  ),
  { maxLength: 8 },
).map((parts) => parts.join(""));

describe("toCsvLine()", () => {
  const fields = fc.array(fc.oneof(HOSTILE, fc.string()), { minLength: 2 });

  test("writes lines whose exact text can be read back", () => {
    fc.assert(fc.property(fields, (texts) => {
      // This parser reads CRLF and CR in a quoted field as LF, so split() reads them.
      const line = toCsvLine(texts).slice(0, -2);
      expect(split(line, ",").map(readText)).toEqual(texts);
    }));
  });

  test("writes lines that a CSV parser reads", () => {
    fc.assert(fc.property(fields, (texts) => {
      fc.pre(!texts.some((text) => text.includes("\r")));
      fc.pre(!texts[0].startsWith("\ufeff"));
      expect(parse(toCsvLine(texts))[0].map(readText)).toEqual(texts);
    }));
  });

  test.each([",", ";", "|", "\t"])(
    "writes no formula for a spreadsheet that separates by %j",
    (separator) => {
      const objects = HOSTILE.map((text) => ({ [text]: text }));
      const values = fc.array(fc.oneof(HOSTILE, objects), { minLength: 2 });
      fc.assert(
        fc.property(values, (row) => {
          const cells = split(toCsvLine(["id", ...row]), separator);
          expect(cells.filter(isFormula)).toEqual([]);
        }),
        { numRuns: 1_000 },
      );
    },
  );

  test.each([
    ["=1+1", "'=1+1"],
    ["+cmd", "'+cmd"],
    ["-2+3", "'-2+3"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\tx", `"'\tx"`],
    [" =1+1", "' =1+1"],
    ["\u00a0=1+1", "'\u00a0=1+1"],
    ["＝1+1", "'＝1+1"],
    ["\n=1+1", `"'\n'=1+1"`],
    ['"\n=1+1', `"""\n'=1+1"`],
    ["x;=1+1", `"x;'=1+1"`],
    ["x\t@y|+z", `"x\t'@y|'+z"`],
    ["'tis", "''tis"],
    ["a;-5", `"a;'-5"`],
    ["a;b", '"a;b"'],
    ["a\tb", '"a\tb"'],
    [" a ", '" a "'],
  ])("writes the text %j as %j", (text, field) => {
    expect(toCsvLine([text])).toBe(`${field}\r\n`);
  });

  test("keeps signed numbers, times, ids and text without formulas", () => {
    const row = [
      -5,
      -1e-7,
      "-0.500000",
      "+3",
      "2026-11-05T09:31:00+00:00",
      "a=b",
      "5-3",
      "Ünï",
    ];
    expect(toCsvLine(row)).toBe(row.join(",") + "\r\n");
  });

  test("writes NULL as an empty field and objects as JSON", () => {
    expect(toCsvLine([null, undefined, { a: "b" }, true]))
      .toBe(',,"{""a"":""b""}",true\r\n');
    const odd = { "x;=1+1": "|=2;" };
    const [[field]] = parse(toCsvLine([odd]));
    expect(JSON.parse(field)).toEqual(odd);
    expect(field).not.toMatch(/[;|]/);
  });
});
