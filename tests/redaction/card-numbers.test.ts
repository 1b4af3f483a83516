import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findFinancialData } from "../../shared/redaction/financial.ts";

/** Test numbers that the networks and payment processors publish. */
const PUBLISHED = [
  ["Visa", "4111111111111111"],
  ["Visa", "4012888888881881"],
  ["Visa of 13 digits", "4222222222222"],
  ["Mastercard", "5555555555554444"],
  ["Mastercard of the 2 series", "2223003122003222"],
  ["American Express", "378282246310005"],
  ["Diners Club", "30569309025904"],
  ["Diners Club", "38520000023237"],
  ["Discover", "6011111111111117"],
  ["JCB", "3530111333300000"],
  ["UnionPay", "6200000000000005"],
  ["UnionPay of 19 digits", "6205500000000000004"],
  ["Maestro", "6759649826438453"],
  ["RuPay", "6073849700004947"],
  ["Mir", "2200000000000004"],
];

describe("a payment card number", () => {
  test.each(PUBLISHED)("of %s is found", (_network, number) => {
    expect(findFinancialData(number)).toBe("card_number");
    expect(findFinancialData(`card ${number}.`)).toBe("card_number");
    expect(findFinancialData(`export_${number}.csv`)).toBe("card_number");
  });

  test.each(PUBLISHED)(
    "of %s with a wrong check digit is not found",
    (_network, number) => {
      const last = (Number(number.at(-1)) + 1) % 10;
      expect(findFinancialData(number.slice(0, -1) + last)).toBeNull();
    },
  );

  test.each([
    ["4111 1111 1111 1111", "4111-1111-1111-1111", "3782 822463 10005"],
    ["3056 930902 5904", "41 11 11 11 11 11 11 11", "4111 1111-1111 1111"],
    ["no. 4111 1111 1111 1111, exp 12/26", "4111 1111 1111 1111 12 26 123"],
    ["2 4111 1111 1111 1111", "378282246310005 1234"],
    ["6205 5000 0000 0000 004 12", "3782 822463 10005 12"],
    ["4222 2222 2222 2 12 26", "4111\u16801111\u16801111\u16801111"],
    ["4111\u00a01111\u20031111\u202f1111"],
    ["4111\u20111111\u20131111\u22121111", "４１１１１１１１１１１１１１１１"],
    ["४१११ ११११ ११११ ११११", "٤١١١١١١١١١١١١١١١"],
    ["4111\u200b1111\u200d1111\ufeff1111", "card\u200b4111111111111111"],
    ["4\u03361\u03361\u03361111111111111", "Card:4111111111111111"],
    // Other separators, also several.
    ["4111.1111.1111.1111", "4111_1111_1111_1111", "4111/1111/1111/1111"],
    ["4111,1111,1111,1111", "4111  1111  1111  1111", "4111\t1111\t1111\t1111"],
    [
      "4111\n1111\r\n1111\n1111",
      "4111 · 1111 · 1111 · 1111",
      "4111•1111•1111•1111",
    ],
    [
      "4111|1111|1111|1111",
      "4111 - 1111 - 1111 - 1111",
      "(4111)(1111)(1111)(1111)",
    ],
    ["3782.822463.10005", "4.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1"],
    // Touching letters.
    ["card4111111111111111", "x4111111111111111", "4111111111111111x"],
    [
      "PAN5555555555554444EXP",
      "4111111111111111exp1226",
      "visa4111 1111 1111 1111",
      "n°378282246310005",
    ],
    // Numerals that are no digits in Unicode.
    ["❹➊➊➊➊➊➊➊➊➊➊➊➊➊➊➊", "⓸⓵⓵⓵⓵⓵⓵⓵⓵⓵⓵⓵⓵⓵⓵⓵", "⑷⑴⑴⑴⑴⑴⑴⑴⑴⑴⑴⑴⑴⑴⑴⑴"],
    ["四一一一一一一一一一一一一一一一"],
  ].flat())("written «%s» is found", (text) => {
    expect(findFinancialData(text)).toBe("card_number");
  });

  test.each([
    ["epoch milliseconds", "1795257000000"],
    ["epoch microseconds", "1795257000000004"],
    ["epoch nanoseconds", "1795257000000000003"],
    ["a number that starts with 0", "0000000000000000"],
    ["a time as digits", "20261121103042"],
    ["a time with milliseconds as digits", "20261121103045007"],
    ["two dates", "2026-11-21 2026-11-27"],
    ["letters between the digits", "x4111111111111111x9"],
    [
      "a long number behind letters that no network issues",
      "x9111111111111111110",
    ],
    ["a fraction", "0.841470984807899"],
    ["twelve digits", "411111111117"],
    ["twenty digits", "41111111111111111115"],
    ["four characters between", "4111    1111    1111    1111"],
    ["letters between", "4111 and 1111 and 1111 and 1111"],
    ["other groups between commas", "41,111,111,111,111,11"],
    ["a list of years", "2021, 2022, 2023, 2026"],
    ["a UUID of digits", "41111111-1111-4111-8111-111111111111"],
    ["a UUID of digits without hyphens", "41111111111111111111111111111111"],
  ])("is not found in %s", (_what, text) => {
    expect(findFinancialData(text)).not.toBe("card_number");
  });
});

/** The digit that makes `body` pass, from the definition: every second digit doubled, from the right. */
function withLuhnDigit(body: string): string {
  let sum = 0;
  [...body].reverse().forEach((character, index) => {
    const digit = Number(character) * (index % 2 === 0 ? 2 : 1);
    sum += Math.floor(digit / 10) + digit % 10;
  });
  return body + (10 - sum % 10) % 10;
}

const digit = fc.integer({ min: 0, max: 9 }).map(String);

const cardNumber = fc.tuple(
  fc.integer({ min: 2, max: 9 }),
  fc.array(digit, { minLength: 11, maxLength: 17 }),
).map(([first, rest]) => withLuhnDigit(first + rest.join("")))
  // Dates with times are let through on purpose; they have tests above.
  .filter((number) => !/^20\d\d(0[1-9]|1[0-2])/.test(number));

const separators = fc.array(fc.constantFrom("", "", " ", "-"), {
  minLength: 19,
  maxLength: 19,
});

describe("any number of 13 to 19 digits from 2 up with a valid Luhn digit", () => {
  test("is found with any separators", () => {
    fc.assert(
      fc.property(cardNumber, separators, (number, gaps) => {
        const text = [...number].map((character, index) =>
          (index === 0 ? "" : gaps[index]) + character
        ).join("");
        expect(findFinancialData(text), text).not.toBeNull();
      }),
      { numRuns: 3_000 },
    );
  });

  test("is found between words", () => {
    fc.assert(
      fc.property(
        cardNumber,
        fc.constantFrom("card ", "(", "no:", "a, ", "x_", "\u200b"),
        fc.constantFrom(" paid", ")", ".", ", b", "_x", "\u200d"),
        (number, before, after) => {
          expect(findFinancialData(before + number + after))
            .toBe("card_number");
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("is not found with any other last digit", () => {
    fc.assert(
      fc.property(cardNumber, fc.integer({ min: 1, max: 9 }), (number, by) => {
        const last = (Number(number.at(-1)) + by) % 10;
        expect(findFinancialData(number.slice(0, -1) + last)).toBeNull();
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("ids and times", () => {
  const hex = (length: number) =>
    fc.string({
      unit: fc.constantFrom(..."0123456789abcdef"),
      minLength: length,
      maxLength: length,
    });
  const ids: Record<string, fc.Arbitrary<string>> = {
    "UUIDs": fc.uuid(),
    "UUIDs in capitals": fc.uuid().map((id) => id.toUpperCase()),
    "UUIDs without hyphens": fc.uuid().map((id) => id.replaceAll("-", "")),
    "UUIDs of nothing but digits": fc.array(digit, {
      minLength: 32,
      maxLength: 32,
    }).map((digits) =>
      digits.join("").replace(
        /^(.{8})(.{4})(.{4})(.{4})(.{12})$/,
        "$1-$2-$3-$4-$5",
      )
    ),
    "MD5 hashes": hex(32),
    "SHA-1 hashes": hex(40),
    "SHA-256 hashes": hex(64),
    "SHA-256 hashes in capitals": hex(64).map((hash) => hash.toUpperCase()),
    "ULIDs": fc.ulid(),
    "ULIDs in small letters": fc.ulid().map((id) => id.toLowerCase()),
    "ISO times": fc.date({ noInvalidDate: true }).map((date) =>
      date.toISOString()
    ),
    "times of this century as digits": fc.date({
      min: new Date("2000-01-01"),
      max: new Date("2099-12-31"),
      noInvalidDate: true,
    }).map((date) => date.toISOString().replace(/\D/g, "").slice(0, 14)),
    "epoch milliseconds from 2001 to 2033": fc.integer({
      min: 1_000_000_000_000,
      max: 1_999_999_999_999,
    }).map(String),
    "counts": fc.integer({ min: 0, max: 99_999_999_999 }).map(String),
  };

  test.each(Object.entries(ids))(
    "such as %s are never reported as financial data",
    (_name, id) => {
      fc.assert(
        fc.property(id, id, (first, second) => {
          for (
            const text of [
              first,
              `id:${first}`,
              `${first},${second}`,
              `of ${first} to`,
            ]
          ) {
            expect(findFinancialData(text), text).toBeNull();
          }
        }),
        { numRuns: 3_000 },
      );
    },
  );

  test("do not hide a card number beside them", () => {
    fc.assert(fc.property(fc.uuid(), (id) => {
      expect(findFinancialData(`${id} 4111 1111 1111 1111 ${id}`))
        .toBe("card_number");
    }));
  });

  test("do not hide a card number after 16,000 digits and separators", () => {
    for (
      const unit of ["1", "1 ", "1-", "4111 ", "4111111111111112 ", "\u200b4"]
    ) {
      const text = unit.repeat(16_000 / unit.length);
      expect(findFinancialData(text + " # 4111111111111111"), unit)
        .toBe("card_number");
    }
  });
});
