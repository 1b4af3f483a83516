import { expect, test } from "vitest";
import {
  type Alternative,
  isCovered,
  toAlternatives,
} from "../../../scripts/prices/match-alternatives.ts";

const alternative = (
  match_kind: Alternative["match_kind"],
  match_value: string,
): Alternative => ({ match_kind, match_value });

test("a match becomes its alternatives in lower case, without duplicates", () => {
  expect(toAlternatives({
    or: [
      { equals: "MiniMax-M2" },
      { equals: "minimax-m2" },
      { starts_with: "Mini" },
      { ends_with: "-M2" },
      { contains: "iMa" },
      { regex: "^o[134]\\D" },
    ],
  })).toEqual([
    alternative("equals", "minimax-m2"),
    alternative("starts_with", "mini"),
    alternative("ends_with", "-m2"),
    alternative("contains", "ima"),
    alternative("regex", "^o[134]\\D"),
  ]);
});

test("starts_with and regex become one regex", () => {
  const [{ match_kind, match_value }] = toAlternatives({
    and: [{ starts_with: "Gemini-2.5" }, { regex: "^(?!.*-tts)" }],
  });
  expect(match_kind).toBe("regex");
  const matched = (name: string) => new RegExp(match_value).test(name);
  expect(["gemini-2.5", "gemini-2.5-pro"].map(matched)).toEqual([true, true]);
  expect(["gemini-2.5-tts", "gemini-205", "a-gemini-2.5"].map(matched))
    .toEqual([false, false, false]);
});

test.each([
  ["two starts", { and: [{ starts_with: "a" }, { starts_with: "b" }] }],
  ["a regex that may begin anywhere", {
    and: [{ starts_with: "a" }, { regex: "b" }],
  }],
  ["three parts", {
    and: [{ starts_with: "a" }, { regex: "^a" }, { regex: "^a" }],
  }],
])("a conjunction of %s is refused", (_, match) => {
  expect(() => toAlternatives(match)).toThrow("a start and a regex");
});

test.each(
  [
    ["equals", "gpt-4o", "starts_with", "gpt-4", true],
    ["equals", "gpt-4o", "ends_with", "4o", true],
    ["equals", "gpt-4o", "contains", "pt-4", true],
    ["equals", "gpt-4o", "regex", "^gpt-4.$", true],
    ["equals", "gpt-4o", "equals", "gpt-4o", true],
    ["starts_with", "gpt-4o", "starts_with", "gpt", true],
    ["starts_with", "gpt-4o", "contains", "4o", true],
    ["ends_with", "gpt-4o", "ends_with", "4o", true],
    ["contains", "gpt-4o", "contains", "4o", true],
    ["regex", "^a", "regex", "^a", true],
    ["starts_with", "gpt-4o", "equals", "gpt-4o", false],
    ["starts_with", "gpt-4o", "ends_with", "4o", false],
    ["starts_with", "gpt-4o", "regex", "^gpt-4o", false],
    ["ends_with", "gpt-4o", "starts_with", "gpt", false],
    ["contains", "gpt-4o", "starts_with", "gpt", false],
    ["contains", "gpt-4o", "ends_with", "4o", false],
    ["contains", "4o", "contains", "gpt-4o", false],
    ["regex", "^gpt-4o", "starts_with", "gpt", false],
  ] as const,
)("%s %s is covered by %s %s: %s", (kind, value, byKind, byValue, covered) => {
  expect(isCovered(alternative(kind, value), alternative(byKind, byValue)))
    .toBe(covered);
});
