import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findFinancialData } from "../../shared/redaction/financial.ts";
import { IBAN_LENGTHS } from "../../shared/redaction/iban.ts";

/** Examples of the SWIFT IBAN registry. */
const PUBLISHED = [
  ["AD12 0001 2030 2003 5910 0100", "AE07 0331 2345 6789 0123 456"],
  ["AT61 1904 3002 3457 3201", "BE68 5390 0754 7034"],
  ["BR18 0036 0305 0000 1000 9795 493C 1", "CH93 0076 2011 6238 5295 7"],
  ["CR05 0152 0200 1026 2840 66", "DE89 3704 0044 0532 0130 00"],
  ["DK50 0040 0440 1162 43", "EG38 0019 0005 0000 0000 2631 8000 2"],
  ["ES91 2100 0418 4502 0005 1332", "FI21 1234 5600 0007 85"],
  ["FR14 2004 1010 0505 0001 3M02 606", "GB29 NWBK 6016 1331 9268 19"],
  ["GR16 0110 1250 0000 0001 2300 695"],
  ["HN88 CABF 0000 0000 0002 5000 5469"],
  ["HU42 1177 3016 1111 1018 0000 0000", "IE29 AIBK 9311 5212 3456 78"],
  ["IL62 0108 0000 0009 9999 999", "IT60 X054 2811 1010 0000 0123 456"],
  ["KW81 CBKU 0000 0000 0000 1234 5601 01"],
  ["LC55 HEMM 0001 0001 0012 0012 0002 3015"],
  ["MT84 MALT 0110 0001 2345 MTLC AST0 01S"],
  ["MU17 BOMM 0101 1010 3030 0200 000M UR", "NL91 ABNA 0417 1643 00"],
  ["NO93 8601 1117 947", "PK36 SCBL 0000 0011 2345 6702"],
  ["PL61 1090 1014 0000 0712 1981 2874", "PT50 0002 0123 1234 5678 9015 4"],
  ["QA58 DOHB 0000 1234 5678 90AB CDEF G", "RO49 AAAA 1B31 0075 9384 0000"],
  ["SA03 8000 0000 6080 1016 7519"],
  ["SC18 SSCB 1101 0000 0000 0000 1497 USD"],
  ["SE45 5000 0000 0583 9825 7466", "TR33 0006 1005 1978 6457 8413 26"],
  ["UA21 3223 1300 0002 6007 2335 6600 1", "VG96 VPVG 0000 0123 4567 8901"],
  ["XK05 1212 0123 4567 8906"],
].flat();

describe("an IBAN", () => {
  test.each(PUBLISHED)("%s is found in any notation", (printed) => {
    const compact = printed.replaceAll(" ", "");
    for (
      const text of [
        printed,
        compact,
        compact.toLowerCase(),
        printed.replaceAll(" ", "-"),
        printed.replaceAll(" ", "\u00a0"),
        compact.split("").join("\u200b"),
        `to ${printed} on Friday`,
        `iban:${compact},`,
        `transfer_${compact}_2026`,
        printed.replaceAll(" ", "."),
        printed.replaceAll(" ", " / "),
        printed.replaceAll(" ", "\t"),
        `IBAN${compact}`,
        `${printed.slice(0, 2)} ${printed.slice(2)}`,
        [...compact].join(" "),
      ]
    ) {
      expect(findFinancialData(text), text).toBe("iban");
    }
  });

  test.each(PUBLISHED)(
    "%s with swapped, missing or added characters is not found",
    (printed) => {
      const compact = printed.replaceAll(" ", "");
      const swapped = compact.slice(0, 2) + compact[3] + compact[2] +
        compact.slice(4);
      if (swapped !== compact) {
        expect(findFinancialData(swapped)).not.toBe("iban");
      }
      expect(findFinancialData(compact.slice(0, -1))).not.toBe("iban");
      expect(findFinancialData(compact + "0")).not.toBe("iban");
      expect(findFinancialData(compact + "x0")).not.toBe("iban");
      expect(findFinancialData("7x" + compact)).not.toBe("iban");
    },
  );

  test.each([
    ["a country without IBANs", "US64 1234 5678 9012 34"],
    ["words", "DE89 is not the start of one"],
    ["an order number", "NO2026-11-21-0001"],
    ["a model", "SE30 and ES60 phones"],
  ])("is not found in %s", (_what, text) => {
    expect(findFinancialData(text)).toBeNull();
  });

  test("has 89 registered countries, and each length is one that ISO 13616 allows", () => {
    expect(IBAN_LENGTHS.size).toBe(89 + 22);
    for (const [country, length] of IBAN_LENGTHS) {
      expect(country).toMatch(/^[A-Z]{2}$/);
      expect(length).toBeGreaterThanOrEqual(15);
      expect(length).toBeLessThanOrEqual(34);
    }
  });
});

/** Check digits from the definition in ISO 13616, with big integers. */
function withCheckDigits(country: string, account: string): string {
  const digits = [...account + country + "00"]
    .map((character) => parseInt(character, 36)).join("");
  const check = 98n - BigInt(digits) % 97n;
  return country + String(check).padStart(2, "0") + account;
}

const iban = fc.constantFrom(...IBAN_LENGTHS).chain(([country, length]) =>
  fc.string({
    unit: fc.constantFrom(..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    minLength: length - 4,
    maxLength: length - 4,
  }).map((account) => withCheckDigits(country, account))
);

describe("any IBAN of any country", () => {
  test("is found", () => {
    fc.assert(
      fc.property(iban, (text) => {
        expect(findFinancialData(text), text).toBe("iban");
        expect(findFinancialData(text.replace(/.{4}/g, "$& ").trim()))
          .toBe("iban");
      }),
      { numRuns: 2_000 },
    );
  });

  test("is not found with a changed check digit", () => {
    fc.assert(
      fc.property(
        iban,
        fc.constantFrom(2, 3),
        fc.integer({ min: 1, max: 9 }),
        (text, place, by) => {
          const changed = text.slice(0, place) +
            (Number(text[place]) + by) % 10 + text.slice(place + 1);
          expect(findFinancialData(changed), changed).toBeNull();
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("is not found with check digits that ISO 7064 does not make", () => {
    // 00 and 97, 01 and 98, 99 and 02 leave the same remainder.
    const twins = new Map([["97", "00"], ["98", "01"], ["02", "99"]]);
    let checked = 0;
    for (let account = 0; account < 1_000; account++) {
      const text = withCheckDigits("DE", String(account).padStart(18, "0"));
      const twin = twins.get(text.slice(2, 4));
      if (twin === undefined) continue;
      expect(findFinancialData("DE" + twin + text.slice(4))).toBeNull();
      checked++;
    }
    expect(checked).toBeGreaterThan(20);
  });

  test("is found after 16,000 characters that look like the start of one", () => {
    for (const unit of ["DE89 ", "DE89", "DE89-", "de8", "D"]) {
      const text = unit.repeat(16_000 / unit.length);
      expect(findFinancialData(`${text} # DE89370400440532013000`), unit)
        .toBe("iban");
    }
  });
});
