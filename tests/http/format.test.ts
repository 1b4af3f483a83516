import { parse } from "@std/csv/parse.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toCsvLine } from "../../shared/http/format.ts";

describe("toCsvLine()", () => {
  test("writes lines that a CSV parser reads back unchanged", () => {
    const field = fc.string().filter((text) =>
      !/^[=+\-@\t\r]/.test(text) && !text.includes("\r")
    );
    fc.assert(fc.property(fc.array(field, { minLength: 2 }), (fields) => {
      expect(parse(toCsvLine(fields))).toEqual([fields]);
    }));
  });

  test("escapes fields that a spreadsheet would run as formulas, but not numbers", () => {
    expect(toCsvLine([
      "=1+1",
      "+cmd",
      "-2+3",
      "@SUM(A1)",
      "\tx",
      -5,
      "-0.500000",
      "a=b",
    ]))
      .toBe("'=1+1,'+cmd,'-2+3,'@SUM(A1),'\tx,-5,-0.500000,a=b\r\n");
  });

  test("writes NULL as an empty field and objects as JSON", () => {
    expect(toCsvLine([null, undefined, { a: "b" }, true]))
      .toBe(',,"{""a"":""b""}",true\r\n');
  });
});
