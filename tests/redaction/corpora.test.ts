import { describe, expect, test } from "vitest";
import { checkAuditMetadata } from "../../shared/redaction/audit-metadata.ts";
import { findIdentifier } from "../../shared/redaction/financial.ts";
import { findSecret, redactSecrets } from "../../shared/redaction/secrets.ts";
import { HARMFUL, SECRETS } from "./harmful-metadata.ts";
import { HARMLESS } from "./harmless-metadata.ts";

const isRefused = (metadata: unknown) =>
  checkAuditMetadata(metadata).length > 0;

describe("of the two corpora", () => {
  const refused = HARMLESS.filter(isRefused);
  const missed = HARMFUL.filter((metadata) => !isRefused(metadata));

  test("each has at least 200 different objects", () => {
    for (const corpus of [HARMLESS, HARMFUL]) {
      const distinct = new Set(corpus.map((value) => JSON.stringify(value)));
      expect(distinct.size).toBe(corpus.length);
      expect(corpus.length).toBeGreaterThanOrEqual(200);
    }
  });

  test("at most 1 % of the harmless objects are refused", () => {
    expect(refused.length / HARMLESS.length, JSON.stringify(refused))
      .toBeLessThanOrEqual(0.01);
  });

  test("at least 98 % of the harmful objects are found", () => {
    expect(missed.length / HARMFUL.length, JSON.stringify(missed))
      .toBeLessThanOrEqual(0.02);
  });

  test("docs/recording.md has the figures", () => {
    const page = Deno.readTextFileSync(
      new URL("../../docs/recording.md", import.meta.url),
    ).replace(/\s+/g, " ");
    expect(page).toContain(
      `${refused.length} of ${HARMLESS.length} harmless objects`,
    );
    expect(page).toContain(
      `${HARMFUL.length - missed.length} of ${HARMFUL.length} harmful ones`,
    );
  });
});

describe("an error text", () => {
  test.each(SECRETS)("«%s» is redacted", (text) => {
    const redacted = redactSecrets(`call failed: ${text}`);
    expect(redacted).toContain("[redacted:");
    expect(findSecret(redacted)).toBeNull();
    expect(redacted).not.toMatch(/hunter2|letmein|aB3dE6gH9|0f1e2d3c|abc123/);
  });

  const texts = HARMFUL.map(({ note }) => note)
    .filter((note) => typeof note === "string");

  test("has no identifier and no secret left, whatever metadata refuses", () => {
    for (const text of texts) {
      const redacted = redactSecrets(`a ${text} b`);
      expect(findIdentifier(redacted), text).toBeNull();
      expect(findSecret(redacted), text).toBeNull();
      expect(redactSecrets(redacted), text).toBe(redacted);
    }
  });
});
