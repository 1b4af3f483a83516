import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findFinancialData } from "../../shared/redaction/financial.ts";

describe("an Indian PAN", () => {
  test.each([
    "ABCPE1234F",
    "AAPFU0939F",
    "abcpe1234f",
    "PAN: AAACR5055K",
    "pan_AAACR5055K.pdf",
    "(AAGCB7383J)",
    "AAATE1234Z",
    "ＡＢＣＰＥ１２３４Ｆ",
    "ABCPE\u200b1234F",
  ])("«%s» is found", (text) => {
    expect(findFinancialData(text)).toBe("pan");
  });

  test("is found for each kind of holder and for no other letter", () => {
    for (const kind of "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
      expect(findFinancialData(`ABC${kind}E1234F`), kind)
        .toBe("ABCFGHLJPTKE".includes(kind) ? "pan" : null);
    }
  });

  test.each([
    ["ABCPE1234", "ABCPE12345", "ABCPE1234FG", "XABCPE1234F", "AB1PE1234F"],
    ["ABCPE123F4", "ABCPE 1234 F", "panel"],
  ].flat())("«%s» is not found", (text) => {
    expect(findFinancialData(text)).toBeNull();
  });
});

describe("an Indian GSTIN", () => {
  test.each([
    ["27AAPFU0939F1ZV", "29AAGCB7383J1Z4", "27aapfu0939f1zv"],
    ["GSTIN 27AAPFU0939F1ZV, Maharashtra", "gst_27AAPFU0939F1ZV"],
    ["27AAPFU\u200d0939F1ZV"],
  ].flat())("«%s» is found", (text) => {
    expect(findFinancialData(text)).toBe("gstin");
  });

  test.each([
    ["a wrong check character", "27AAPFU0939F1ZO"],
    ["two characters swapped", "27AAPFU0993F1ZV"],
    ["a character less", "27AAPFU0939F1Z"],
    ["a letter behind", "27AAPFU0939F1ZVX"],
    ["digits only", "369296450896540"],
  ])("with %s is not found", (_what, text) => {
    expect(findFinancialData(text)).toBeNull();
  });

  const letter = fc.constantFrom(..."ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  const digit = fc.constantFrom(..."0123456789");
  const body = fc.tuple(
    letter,
    letter,
    letter,
    fc.constantFrom(..."ABCFGHLJPTKE"),
    letter,
    digit,
    digit,
    digit,
    digit,
    letter,
    fc.constantFrom(..."123456789ABC"),
  ).map((characters) => characters.join("") + "Z");

  /** From the published steps: factors 1 and 2 from the left, quotient plus remainder by 36. */
  function withCheckCharacter(characters: string): string {
    const sum = [...characters].reduce((total, character, index) => {
      const product = parseInt(character, 36) * (index % 2 === 0 ? 1 : 2);
      return total + Math.floor(product / 36) + product % 36;
    }, 0);
    return characters + ((36 - sum % 36) % 36).toString(36).toUpperCase();
  }

  const STATES = Array.from({ length: 100 }, (_, state) => state);

  test("is found for the states 01 to 38, 97 and 99 and for no other code", () => {
    fc.assert(
      fc.property(fc.constantFrom(...STATES), body, (state, rest) => {
        const text = withCheckCharacter(String(state).padStart(2, "0") + rest);
        const isState = (state >= 1 && state <= 38) || state === 97 ||
          state === 99;
        expect(findFinancialData(text), text).toBe(isState ? "gstin" : null);
      }),
      { numRuns: 2_000 },
    );
  });

  test("is not found with any other check character", () => {
    fc.assert(
      fc.property(body, fc.integer({ min: 1, max: 35 }), (rest, by) => {
        const text = withCheckCharacter("27" + rest);
        const last = ((parseInt(text[14], 36) + by) % 36).toString(36);
        expect(findFinancialData(text.slice(0, -1) + last)).toBeNull();
      }),
      { numRuns: 1_000 },
    );
  });
});

/** The tables of Verhoeff's thesis as they are usually printed. */
const D = [
  "0123456789",
  "1234067895",
  "2340178956",
  "3401289567",
  "4012395678",
  "5987604321",
  "6598710432",
  "7659821043",
  "8765932104",
  "9876543210",
];
const P = [
  "0123456789",
  "1576283094",
  "5803796142",
  "8916043527",
  "9453126870",
  "4286573901",
  "2793806415",
  "7046913258",
];

function isVerhoeff(digits: string): boolean {
  return [...digits].reverse().reduce(
    (check, digit, index) =>
      Number(D[check][Number(P[index % 8][Number(digit)])]),
    0,
  ) === 0;
}

describe("an Indian Aadhaar number", () => {
  test.each([
    ["234123412346", "2341 2341 2346", "2341-2341-2346", "499118665246"],
    ["uid 4991 1866 5246 verified", "in 2024 2341 2341 2346"],
    ["aadhaar_234123412346", "２３４１ ２３４１ ２３４６", "२३४१२३४१२३४६"],
    ["2341\u200b2341\u200b2346", "2341\u20112341\u20112346"],
    ["uid234123412346", "2341.2341.2346", "2341  2341  2346", "2341·2341·2346"],
  ].flat())("«%s» is found", (text) => {
    expect(findFinancialData(text)).toBe("aadhaar");
  });

  test.each([
    ["a wrong check digit", "234123412347"],
    ["a first digit of 1", "123412341234"],
    ["a first digit of 0", "012345678901"],
    ["eleven digits", "23412341234"],
    ["digits and letters in front", "7a234123412346"],
    ["letters and digits behind", "234123412346a7"],
    ["other groups", "23412 34123 46"],
    ["mixed separators", "2341 2341-2346"],
    ["a date and a time", "202611211033"],
  ])("with %s is not found", (_what, text) => {
    expect(findFinancialData(text)).toBeNull();
  });

  test("of any 12 digits from 2 up is found exactly when the Verhoeff digit is right", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 210_000_000_000, max: 999_999_999_999 }).map(String),
        fc.constantFrom("", " ", "-"),
        (digits, separator) => {
          const text = digits.replace(
            /^(.{4})(.{4})/,
            `$1${separator}$2${separator}`,
          );
          expect(findFinancialData(text), text)
            .toBe(isVerhoeff(digits) ? "aadhaar" : null);
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
