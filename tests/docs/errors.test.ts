import { describe, expect, test } from "vitest";
import {
  ADAPTER_WARNINGS,
  ISSUE_MEANINGS,
  SQLSTATE_MEANINGS,
} from "../../scripts/errors/meanings.ts";
import { PROBLEMS } from "../../shared/http/problem.ts";
import { EVIDENCE_FINDINGS } from "../../scripts/verify/verdict.ts";
import { readProjectFile } from "./pages.ts";

const PROJECT = new URL("../../", import.meta.url);

function* listFiles(folder: string): Generator<string> {
  for (
    const { name, isDirectory } of Deno.readDirSync(new URL(folder, PROJECT))
  ) {
    if (isDirectory) yield* listFiles(`${folder}/${name}`);
    else yield `${folder}/${name}`;
  }
}

const sources = [...listFiles("shared")]
  .filter((path) => path.endsWith(".ts"))
  .map(readProjectFile);

/** Words in quotation marks, but for those that something is compared with. */
const readWords = (code: string) =>
  [...code.replaceAll(/(?:===|case) "\w+"|\["\w+"\]/g, "").matchAll(/"(\w+)"/g)]
    .map(([, word]) => word);

/** Codes in a module: those it sets, passes on, or makes of zod's. */
function findCodes(source: string): string[] {
  const set = [...source.matchAll(/\bcode(?: =|:)\s([^,;{}]+)/g)]
    .flatMap(([, value]) => readWords(value));
  const passed = [...source.matchAll(/\b(?:addIssue|refuse)\(([^;]+?)\);/g)]
    .flatMap(([, values]) => [...values.matchAll(/,\s*"(\w+)",/g)])
    .map(([, word]) => word);
  const [, body = ""] = /function issueCode\(([^]+?)^}/m.exec(source) ?? [];
  return [...set, ...passed, ...readWords(body)];
}

const isOther = (code: string) =>
  code in PROBLEMS || code in EVIDENCE_FINDINGS || code in ADAPTER_WARNINGS ||
  // zod's own, of a check that brings one of these.
  code === "custom";

describe("docs/errors.md", () => {
  const used = new Set(sources.flatMap(findCodes));

  test("explains every code of an issue", () => {
    const missing = [...used]
      .filter((code) => !(code in ISSUE_MEANINGS) && !isOther(code));
    expect(missing).toEqual([]);
    // One code of each way in which the search finds them.
    expect([...used]).toEqual(
      expect.arrayContaining([
        "sensitive_key",
        "not_an_audit_source",
        "not_allowed",
      ]),
    );
  });

  test("explains no code of an issue that does not exist", () => {
    const all = sources.join("\n");
    const unused = Object.keys(ISSUE_MEANINGS)
      .filter((code) => !all.includes(`"${code}"`));
    expect(unused).toEqual([]);
  });

  test("explains exactly the SQLSTATEs that the migrations raise", () => {
    const raised = [...listFiles("supabase/migrations")].map(readProjectFile)
      .flatMap((sql) => [...sql.matchAll(/errcode = '(\w{5})'/g)])
      .map(([, code]) => code);
    expect(Object.keys(SQLSTATE_MEANINGS).sort())
      .toEqual([...new Set(raised)].sort());
  });
});
