import { expect, test } from "vitest";
import {
  describeChange,
  describeImport,
  MAX_LISTED,
} from "../../../scripts/prices/describe-import.ts";
import type { PriceChange } from "../../../scripts/prices/import-request.ts";

const CHANGE: PriceChange = {
  provider: "openai",
  match_kind: "equals",
  match_value: "gpt-5",
  effective_from: "2026-01-01T00:00:00+00:00",
  column: "input_usd_per_mtok",
  from: "3",
  to: "2.5",
};
const ANSWER = {
  new: 1,
  corrected: 2,
  unchanged: 3,
  unlisted: 4,
  withheld: 5,
  entered: 0,
  changed: [],
  suspicious: [],
};

test.each([
  [{}, "openai gpt-5: input 3 → 2.5 USD/M from 2026-01-01"],
  [
    { match_kind: "starts_with", column: "cache_write_1h_usd_per_mtok" },
    "openai gpt-5…: cache write 1h 3 → 2.5 USD/M from 2026-01-01",
  ],
  [
    { match_kind: "ends_with", from: null },
    "openai …gpt-5: input unknown → 2.5 USD/M from 2026-01-01",
  ],
  [
    { match_kind: "contains", to: null, service_tier: "batch" },
    "openai …gpt-5… (batch): input 3 → unknown USD/M from 2026-01-01",
  ],
  [
    { match_kind: "regex", match_value: "^o[13]", column: "web_searches" },
    "openai /^o[13]/: web searches 3 → 2.5 USD/M from 2026-01-01",
  ],
  [
    {
      effective_from: "1970-01-01T00:00:00+00:00",
      column: "input_usd_per_mtok above 200000",
    },
    "openai gpt-5: input above 200000 3 → 2.5 USD/M from the start",
  ],
  [
    { column: "request_usd", daily_from: "22:00:00", daily_to: "04:00:00" },
    "openai gpt-5: request 3 → 2.5 USD from 2026-01-01, 22:00:00 to 04:00:00 UTC",
  ],
  [
    { column: "implies_provider", from: "false", to: "true" },
    "openai gpt-5: implies provider false → true from 2026-01-01",
  ],
])("a change is one line: %o", (members, line) => {
  expect(describeChange({ ...CHANGE, ...members })).toBe(line);
});

test("an import is described by its counts, its changes and the suspicious ones", () => {
  const suspicious = [{ ...CHANGE, why: "falls to 0" }];
  expect(describeImport({ ...ANSWER, changed: [CHANGE], suspicious })).toEqual([
    "1 new, 2 corrected, 3 unchanged, 4 no longer listed (they stay), 5 withheld",
    describeChange(CHANGE),
    `suspicious: ${describeChange(CHANGE)}: falls to 0`,
  ]);
});

test("a long list of changes is truncated, with the number of the others", () => {
  const many = (length: number) => ({
    ...ANSWER,
    changed: Array.from({ length }, () => CHANGE),
  });
  expect(describeImport(many(MAX_LISTED))).toHaveLength(1 + MAX_LISTED);
  const lines = describeImport(many(MAX_LISTED + 7));
  expect(lines).toHaveLength(2 + MAX_LISTED);
  expect(lines.at(-1)).toBe("… and 7 more");
});
