import { encodeBase64 } from "@std/encoding/base64.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSecrets } from "../../shared/webhooks/signatures.ts";

const A = new Uint8Array(24).fill(1);
const B = new Uint8Array(32).fill(255);
const C = new Uint8Array(64).fill(7);
const [a, b, c] = [A, B, C].map((bytes) => `whsec_${encodeBase64(bytes)}`);

describe("parseSecrets()", () => {
  test.each([
    [a, [A]],
    [`v1,${a}`, [A]],
    [`  v1,${b}\n`, [B]],
    [`${a} ${b}`, [A, B]],
    [`v1,${a}|v1,${b}`, [A, B]],
    [`v1,${a},v1,${b}`, [A, B]],
    [`v1,${a}, ${b} |v1,${c}|`, [A, B, C]],
  ])("parses %s", (text, expected) => {
    expect(parseSecrets(text)).toEqual({ secrets: expected });
  });

  test.each([
    ["", "The value has no secret: expected whsec_<base64>"],
    [" \n|, ", "The value has no secret: expected whsec_<base64>"],
    ["swordfish", "Secret 1 of 1 does not start with whsec_ or v1,whsec_"],
    [`${a} "${b}"`, "Secret 2 of 2 does not start with whsec_ or v1,whsec_"],
    [`${a} v1`, "Secret 2 of 2 does not start with whsec_ or v1,whsec_"],
    ["whsec_", "Secret 1 of 1 has 0 bytes: expected 24 to 64"],
    [
      `whsec_${encodeBase64(new Uint8Array(23))}`,
      "Secret 1 of 1 has 23 bytes: expected 24 to 64",
    ],
    [
      `whsec_${encodeBase64(new Uint8Array(65))}`,
      "Secret 1 of 1 has 65 bytes: expected 24 to 64",
    ],
    [
      b.replace(/=+$/, ""),
      "Secret 1 of 1 is not base64 with padding after whsec_",
    ],
    [
      b.replaceAll("/", "_"),
      "Secret 1 of 1 is not base64 with padding after whsec_",
    ],
    [
      `v1a,whpk_${"A".repeat(44)}:whsk_${"A".repeat(44)}`,
      "Secret 1 of 2 belongs to an asymmetric signature (v1a), which is not supported: expected whsec_<base64>",
    ],
    [Array(9).fill(a).join(" "), "The value has more than 8 secrets"],
  ])("rejects %j", (text, error) => {
    expect(parseSecrets(text)).toEqual({ error });
  });

  test("never repeats a secret in an error", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 12, unit: "grapheme" }), (text) => {
        const { error } = parseSecrets(`hunter2${text}`);
        expect(error).toBeDefined();
        expect(error).not.toContain("hunter2");
      }),
    );
  });
});
