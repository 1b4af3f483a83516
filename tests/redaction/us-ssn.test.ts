import { describe, expect, test } from "vitest";
import { findFinancialData } from "../../shared/redaction/financial.ts";

describe("a US Social Security number", () => {
  test.each([
    ["078-05-1120", "219-09-9999", "457 55 5462", "SSN: 899-99-9999"],
    ["ssn_001-01-0001", "０７８-０５-１１２０", "078\u201105\u20111120"],
    [
      "078\u200b-05-\u200b1120",
      "123.45.6789",
      "123/45/6789",
      "123 - 45 - 6789",
    ],
    ["ssn 123456789", "SSN:123456789", "ssn#123-456789", "SSN123456789"],
    ["Social Security Number is 123456789", "social_security=123 45 6789"],
  ].flat())("«%s» is found", (text) => {
    expect(findFinancialData(text)).toBe("ssn");
  });

  test.each([
    ["area 000", "000-12-3456"],
    ["area 666", "666-12-3456"],
    ["an area from 900", "900-12-3456"],
    ["group 00", "123-00-4567"],
    ["serial 0000", "123-45-0000"],
    ["no separators", "078051120"],
    ["a longer chain", "123-45-6789-01"],
    ["a chain in front", "01-123-45-6789"],
    ["a letter in front", "A123-45-6789"],
    ["a date", "2026-11-21"],
    ["a phone number", "555-123-4567"],
  ])("with %s is not found", (_what, text) => {
    expect(findFinancialData(text)).toBeNull();
  });
});
