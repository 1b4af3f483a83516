import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  GITLEAKS_RULES,
  type GitleaksRule,
} from "../../shared/redaction/gitleaks-rules.ts";
import { searchProviderKeys } from "../../shared/redaction/provider-keys.ts";
import { findSecret, redactSecrets } from "../../shared/redaction/secrets.ts";

const ALNUM = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3hJ6kL9nP2rS5tV8xA1z";
const HEX = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

const kindsOf = (text: string) =>
  [...searchProviderKeys(text)].map(({ kind }) => kind);

/** Texts that a rule describes, in its own case; look-around only says what is beside them. */
function keysOf([, , source]: GitleaksRule): fc.Arbitrary<string> {
  const body = source.replace(/\(\?<?[!=](?:[^()[\]]|\[[^\]]*\])*\)/g, "")
    .replaceAll("\\b", "")
    // Each part of a class is equally likely, and half hyphens would lack entropy.
    .replaceAll("[\\w-]", "[A-Za-z0-9_-]")
    // The dots of a host name.
    .replace(/(?<=[a-z])\.(?=[a-z])/g, "\\.");
  return fc.stringMatching(new RegExp(`^(?:${body})$`));
}

describe("every rule of gitleaks", () => {
  test.each(GITLEAKS_RULES.map((rule) => [rule[0], rule] as const))(
    "%s finds the keys that it describes, and redacts them",
    (id, rule) => {
      const [, keywords, source, flags] = rule;
      const exact = new RegExp(source, flags.replace("g", ""));
      let found = 0;
      fc.assert(
        fc.property(fc.noBias(keysOf(rule)), (key) => {
          const text = `401 of ${keywords[0]} for (${key}), retry`;
          fc.pre(exact.test(text));
          // Rules for keys of low entropy are few, and repeat one character.
          const kinds = kindsOf(text);
          if (!kinds.includes(id.replaceAll("-", "_"))) return;
          found++;
          expect(findSecret(text)).not.toBeNull();
          expect(redactSecrets(text)).not.toContain(key);
        }),
        { numRuns: 30 },
      );
      expect(found).toBeGreaterThan(0);
    },
  );

  test("has keywords in lower case, without which it is not compiled", () => {
    for (const [id, keywords] of GITLEAKS_RULES) {
      expect(keywords.length, id).toBeGreaterThan(0);
      for (const word of keywords) expect(word).toBe(word.toLowerCase());
    }
  });
});

describe("a key of a provider", () => {
  test.each([
    ["digitalocean_pat", "dop" + "_v1_" + HEX],
    ["shopify_access_token", "shp" + "at_" + HEX.slice(0, 32)],
    ["vault_service_token", "hv" + "s." + ALNUM + ALNUM],
    ["linear_api_key", "lin" + "_api_" + ALNUM.slice(0, 40)],
    ["telegram_bot_api_token", "123456789:A" + ALNUM.slice(0, 34)],
  ])("of %s is named after the rule", (kind, key) => {
    for (const text of [key, `key ${key}.`, `["${key}"]`, `x_${key}`]) {
      expect(kindsOf(text), text).toContain(kind);
    }
  });

  test.each(["dop" + "_v1_", "shp" + "at_", "hv" + "s.", "lin" + "_api_"])(
    "with the prefix %s is found when a log truncated it",
    (prefix) => {
      expect(kindsOf(`${prefix}${ALNUM.slice(0, 20)}…`)).toHaveLength(1);
      expect(kindsOf(`${prefix}${ALNUM.slice(0, 8)}…`)).toEqual([]);
      expect(kindsOf(`${prefix}abcdefghijklmnopqrstuvw`)).toEqual([]);
    },
  );

  test("that repeats few characters is an example, and passes", () => {
    expect(kindsOf("dop" + "_v1_" + "a".repeat(64))).toEqual([]);
  });

  test("is not the middle of a word, a hash or a name", () => {
    for (
      const text of [
        "xdop" + "_v1_" + HEX,
        HEX,
        "task-" + HEX.slice(0, 32),
        "gems/rubygems_download_statistics_2026",
        "sha256:" + HEX,
      ]
    ) expect(kindsOf(text), text).toEqual([]);
  });
});
