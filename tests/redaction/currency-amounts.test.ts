import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findFinancialData } from "../../shared/redaction/financial.ts";

describe("an amount of money", () => {
  test.each([
    // Symbols, before and after.
    ["$1,234.50", "₹ 12,00,000", "1.234,56 €", "-$5", "$-5", "$ 5", "($5)"],
    ["$(5.00)", "$.50", "$5M", "US$ 5", "HK$20", "R$ 1.234,56", "£20"],
    ["¥1000", "20 ₽", "5€", "5,- €", "5 million €", "1 234,56 €"],
    ["1'234.50 ₣", "₿ 0.5", "﷼ 500", "total:$5", "paid €12 for it"],
    // The rupee in letters.
    ["Rs 500", "Rs. 500", "Rs.500", "rs. 500", "rs 500", "RS. 500"],
    ["RS 1,500", "500 Rs", "500/- Rs.", "Rs 12,00,000"],
    // ISO 4217 codes.
    ["EUR 12.00", "12.00 USD", "EUR12", "12EUR", "EUR: 12", "EUR=12"],
    ["EUR -12", "USD 5k", "5k USD", "2.5 million GBP", "CHF 1'234.50"],
    ["1 234,56 SEK", "ZAR 5", "5 THB", "AED500", "usd 5", "5 usd", "5usd"],
    ["inr 12,00,000", "12 Eur", "sgd: 5"],
    // Codes that are words, beside numbers in the form of money.
    ["TRY 3.50", "1,234 ALL", "TOP 10.25", "MAD 12.000,00", "3 000 CUP"],
    ["PEN 1.5", "PHP 8.30", "PHP 1,000", "TRY 12.50 3 times"],
    ["3 12.50 TRY", "TRY 1’234", "TRY 1\u1680234"],
    // Units.
    ["5 dollars", "5 Euro", "5-dollar fee", "2.5 lakh", "12 lakhs"],
    ["3 crore", "3 million rupees", "10 pounds", "99 cents"],
  ].flat())("«%s» is found", (text) => {
    expect(findFinancialData(text)).toBe("currency_amount");
    expect(findFinancialData(`invoice (${text}), sent`))
      .toBe("currency_amount");
  });

  test.each([
    ["fullwidth digits", "$１２３"],
    ["a fullwidth symbol", "＄123"],
    ["Devanagari digits", "₹ १२,००,०००"],
    ["Arabic digits", "٥٠٠ USD"],
    ["a zero-width space", "$\u200b123"],
    ["a zero-width joiner in the code", "12.00 U\u200dSD"],
    ["no-break spaces", "12.00\u00a0\u202fUSD"],
    ["keycaps", "$1\ufe0f\u20e32\ufe0f\u20e3"],
    ["a minus sign", "EUR \u221212"],
  ])("is found despite %s", (_disguise, text) => {
    expect(findFinancialData(text)).toBe("currency_amount");
  });

  test("is found with the longest number that fits a metadata string", () => {
    expect(findFinancialData("1".repeat(240) + " EUR")).toBe("currency_amount");
    expect(findFinancialData("EUR " + "1".repeat(240))).toBe("currency_amount");
  });
});

describe("text without an amount of money", () => {
  test.each([
    ["", "gpt-4.1", "v1.2.3", "v1.2 EUR", "$HOME", "copied 3 $HOME files"],
    ["${12}", "a$b", "2026-11-21", "10:30", "3 files", "Q3 2026"],
    ["FY 2026", "page 5 of 12", "1,234 rows", "12.5%", "5 percent"],
    ["TOP 10", "ALL 5", "TRY 3", "try 3.50 again", "all 1.5 MB", "SOS 2"],
    ["MAD 2", "PHP 8.3", "PHP 8.3.1", "PHP 8", "AMD 64", "BSD 4.4"],
    ["CVE-2026-12345", "CVE 2026", "USD-123", "INR-2026-001", "EUR"],
    ["the euro", "dollars", "$", "€ sign", "EURO2024", "EUR12AB34"],
    ["01EUR3NDEKTSV4RRFFQ69G5FAV", "EUR 5kg", "RS 232", "RS-232"],
    ["main.rs 12", "rs429358", "12 users", "7 hrs 5 min", "1234cad"],
    ["aed5123", "balance sheet 2026 final.pdf", "sk 5", "user 5 rated 4.5"],
    ["src/lib.rs:120", "192.168.0.1", "five dollars"],
  ].flat())("«%s» passes", (text) => {
    expect(findFinancialData(text)).toBeNull();
  });

  test("such as a small number passes beside English words that are codes of currencies", () => {
    for (
      const word of ["ALL", "TRY", "TOP", "CUP", "MAD", "SOS", "GEL", "PEN"]
    ) {
      expect(findFinancialData(`${word} 5`), word).toBeNull();
      expect(findFinancialData(`5 ${word}`), word).toBeNull();
      expect(findFinancialData(`${word} 5.00`), word).toBe("currency_amount");
      expect(findFinancialData(`5,000 ${word}`), word).toBe("currency_amount");
    }
  });
});

/** Written independently of the code under test: the amount formats of CLDR locales. */
const formatted = fc.tuple(
  fc.integer({ min: 0, max: 999_999_999 }),
  fc.constantFrom(
    "en-US",
    "en-IN",
    "de-DE",
    "de-CH",
    "fr-FR",
    "hi-IN-u-nu-deva",
    "ar-EG",
    "ja-JP",
  ),
  fc.constantFrom("USD", "EUR", "INR", "GBP", "JPY"),
  fc.constantFrom("symbol" as const, "code" as const),
).map(([cents, locale, currency, currencyDisplay]) =>
  new Intl.NumberFormat(locale, {
    style: "currency",
    currency,
    currencyDisplay,
  })
    .format(cents / 100)
);

describe("an amount as a program formats it", () => {
  test("is found in every locale and with every display", () => {
    fc.assert(
      fc.property(formatted, (amount) => {
        expect(findFinancialData(amount), amount).toBe("currency_amount");
      }),
      { numRuns: 2_000 },
    );
  });

  test("is found after 16,000 characters of a symbol or a number", () => {
    for (
      const unit of [
        "$",
        "1",
        "1.",
        "1,",
        "1 ",
        "EUR ",
        "EUR",
        "a",
        "Rs.",
        "1234cad ",
      ]
    ) {
      const text = unit.repeat(16_000 / unit.length);
      expect(findFinancialData(text + " and $5"), unit).toBe("currency_amount");
    }
  });
});
