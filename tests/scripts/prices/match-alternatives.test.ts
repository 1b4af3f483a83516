import { describe, expect, test } from "vitest";
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

describe("an alternative is covered by another", () => {
  test.each(
    [
      ["equals", "gpt-4o", "starts_with", "gpt-4"],
      ["equals", "gpt-4o", "ends_with", "4o"],
      ["equals", "gpt-4o", "contains", "pt-4"],
      ["equals", "gpt-4o", "regex", "^gpt-4.$"],
      ["equals", "gpt-4o", "equals", "gpt-4o"],
      ["starts_with", "gpt-4o", "starts_with", "gpt"],
      ["starts_with", "gpt-4o", "contains", "4o"],
      ["ends_with", "gpt-4o", "ends_with", "4o"],
      ["contains", "gpt-4o", "contains", "4o"],
      ["regex", "^a", "regex", "^a"],
    ] as const,
  )("if every name of %s %s is one of %s %s", (...parts) => {
    const [kind, value, otherKind, other] = parts;
    expect(isCovered(alternative(kind, value), alternative(otherKind, other)))
      .toBe(true);
  });

  test.each(
    [
      ["starts_with", "gpt-4o", "equals", "gpt-4o"],
      ["starts_with", "gpt-4o", "ends_with", "4o"],
      ["starts_with", "gpt-4o", "regex", "^gpt-4o"],
      ["ends_with", "gpt-4o", "starts_with", "gpt"],
      ["contains", "gpt-4o", "starts_with", "gpt"],
      ["contains", "gpt-4o", "ends_with", "4o"],
      ["contains", "4o", "contains", "gpt-4o"],
      ["regex", "^gpt-4o", "starts_with", "gpt"],
    ] as const,
  )("but not if only some of %s %s are of %s %s", (...parts) => {
    const [kind, value, otherKind, other] = parts;
    expect(isCovered(alternative(kind, value), alternative(otherKind, other)))
      .toBe(false);
  });
});
