/**
 * Characters on either side of a currency mark that are searched for a number. A longer
 * number is recognized by its nearest part.
 */
const REACH = 48;

const MARK = /\p{Sc}|\p{L}+/gu;
const SYMBOL = /\p{Sc}/u;

/** A `$` before a letter, `_`, `{` or `(` starts a variable (`3 $HOME`), except in the French `3 $US`. */
const VARIABLE_AFTER = /^(?![A-Z]{2}(?![\p{L}\p{N}_]))[\p{L}_{(]/u;

const SCALE =
  "(?:k|m|mn|b|bn|cr|hundred|thousand|million|billion|trillion|lakhs?|crores?)";

/** `5`, `1,234.50`, `12,00,000`, `1.234,56`, `1 234,56`, `1'234.50`, `.50`. */
const NUMBER = "[.,]?\\d+(?:[.,' ]\\d+)*";

const AFTER_SYMBOL = /^\s{0,3}[-+(]?\s?[.,]?\d/;
/** Letters before the symbol denote a country: `5 US$`. */
const BEFORE_SYMBOL = new RegExp(
  `\\d(?:[.,]?-{0,2})\\s{0,3}(?:${SCALE}\\s{0,3})?(?:\\s[A-Z]{1,3})?$`,
  "i",
);

const AFTER_WORD = new RegExp(
  `^(?:[\\s:=]{1,4}[-+(]?|[+(]?)\\s?(${NUMBER})\\s?(?:${SCALE})?(?![\\p{L}\\p{N}]|[.,']\\d)`,
  "iu",
);
const BEFORE_WORD = new RegExp(
  `(?<![\\p{L}\\p{N}]|\\p{N}[.,'])(${NUMBER})(?:\\s?${SCALE})?[\\s-]{0,3}$`,
  "iu",
);

const GROUPED =
  /^(?:\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?|\d{1,3}(?:[.' ]\d{3})+(?:[.,]\d+)?)$/;
const WITH_DECIMALS = /^\d*[.,]\d+$/;
const WITH_CENTS = /^\d*[.,]\d\d$/;

/** Codes of the letters a–f occur at the ends of short hex ids: `1234cad`. */
const HEX_LETTERS = /^[a-f]+$/;

const ANY_DIGIT = /[0-9]/;

/** A number after a word that names an amount of money: `salary: 5000`, `"amount":"1200"`. */
const LABELLED_AMOUNT =
  /(?<!\p{L})(?:amount|amt|balance|salary|price|fee)s?(?:["']?\s{0,3}[:=]\s{0,3}["']?[-+(]?\d|\s(?:(?:is|was|of)\s)?(?!(?:19|20)\d\d(?!\d))\d[\d.,]*\d(?![\p{L}\d/:-]))/iu;

/**
 * Whether `text` (a reading of `readText`) has an amount of money: a number next to a
 * currency symbol (any of Unicode's, `US$`, `Rs`) or an ISO 4217 code, or before a word
 * such as `dollars` or `lakh`. Codes that are also English words count only next to a
 * number in the format of an amount (see `CurrencyWord`). A number after `amount:` and
 * the like is one without a currency.
 *
 * Not found: amounts in words (`five dollars`) and other numbers without a currency.
 */
export function hasCurrencyAmount(text: string): boolean {
  if (!ANY_DIGIT.test(text)) return false;
  if (LABELLED_AMOUNT.test(text)) return true;
  let isSql: boolean | undefined;
  for (const { 0: mark, index } of text.matchAll(MARK)) {
    const before = text.slice(Math.max(0, index - REACH), index);
    const after = text.slice(index + mark.length, index + mark.length + REACH);
    if (mark === "$" && SQL_PLACEHOLDER.test(after)) {
      isSql ??= SQL.test(text);
      if (isSql) continue;
    }
    const found = SYMBOL.test(mark)
      ? isSymbolOfAmount(mark, before, after)
      : isWordOfAmount(mark, before, after);
    if (found) return true;
  }
  return false;
}

/** Placeholders of SQL: `where id = $1`. */
const SQL =
  /\b(?:select|update|insert|delete)\b[^]{0,200}\b(?:from|set|into)\b/i;
const SQL_PLACEHOLDER = /^\d{1,2}(?![\d.,]*\d)/;

function isSymbolOfAmount(symbol: string, before: string, after: string) {
  if (AFTER_SYMBOL.test(after)) return true;
  return BEFORE_SYMBOL.test(before) &&
    !(symbol === "$" && VARIABLE_AFTER.test(after));
}

function isWordOfAmount(word: string, before: string, after: string): boolean {
  // Part of the name of a column or variable, such as `usd_rates`.
  if (/^_\p{L}/u.test(after)) return false;
  const kind = classifyCurrencyWord(word);
  if (kind === undefined) return false;
  if (kind === "sign") return isSignOfAmount(word, before, after);
  return (kind !== "unit" && hasNumberAfter(word, kind, before, after)) ||
    hasNumberBefore(word, kind, before, after);
}

/** `Rs 5`, `Rs.5`, `RS. 5`, `5/- rs`; but not `RS 232`, `main.rs 12` nor the gene variant `rs429358`. */
function isSignOfAmount(word: string, before: string, after: string): boolean {
  if (word === "rs" && (before.endsWith(".") || /^\d/.test(after))) {
    return false;
  }
  const kind = word === "RS" && !after.startsWith(".") ? "word code" : "sign";
  const rest = after.replace(/^\./, "");
  return hasNumberAfter(word, kind, before, rest) ||
    hasNumberBefore(word, kind, before.replace(/\/-\s?$/, ""), rest);
}

function hasNumberAfter(
  word: string,
  kind: CurrencyWord,
  before: string,
  after: string,
): boolean {
  if (/\p{N}$/u.test(before) || isHexTail(word, after.charAt(0))) return false;
  const number = AFTER_WORD.exec(after)?.[1];
  return number !== undefined &&
    [number, number.split(" ")[0]].some((form) => isAmount(form, kind));
}

function hasNumberBefore(
  word: string,
  kind: CurrencyWord,
  before: string,
  after: string,
): boolean {
  if (/^\p{N}/u.test(after) || isHexTail(word, before.at(-1))) return false;
  const number = BEFORE_WORD.exec(before)?.[1];
  return number !== undefined &&
    [number, number.split(" ").at(-1)!].some((form) => isAmount(form, kind));
}

function isHexTail(word: string, neighbour = ""): boolean {
  return HEX_LETTERS.test(word) && /^\d$/.test(neighbour);
}

function isAmount(number: string, kind: CurrencyWord): boolean {
  switch (kind) {
    case "word code":
      return GROUPED.test(number) || WITH_DECIMALS.test(number);
    case "version code":
      return GROUPED.test(number) || WITH_CENTS.test(number);
    default:
      return true;
  }
}

/**
 * Kinds of words that denote money next to a number:
 *
 * - `sign`: `Rs`, a currency sign spelled in letters;
 * - `code`: an ISO 4217 code without another meaning;
 * - `word code`: a code that is also an English word or a common abbreviation
 *   (`ALL 5`, `TRY 3`, `TOP 10`), and counts only next to an amount with decimals or
 *   thousands;
 * - `version code`: a code that is also the name of versioned software or data
 *   (`PHP 8.3`, `BSD 4.4`, `CVE 2024`), and counts only next to an amount with cents or
 *   thousands;
 * - `unit`: `dollars`, `lakh`, which follow their number.
 */
type CurrencyWord =
  | "sign"
  | "code"
  | "word code"
  | "version code"
  | "unit";

/** ISO 4217 list one without funds, metals and test codes; the last line has withdrawn codes that are still in use. */
const CODES = `
  AED AFN ANG AOA ARS AUD AWG AZN BBD BDT BGN BHD BIF BMD BND BRL BWP BYN BZD
  CAD CDF CHF CLP CNY CRC CZK DJF DKK DZD EGP ETB EUR FJD FKP GBP GHS GMD GNF
  GTQ GYD HKD HNL HTG IDR ILS INR IQD ISK JMD JOD JPY KES KGS KHR KMF KPW KRW
  KWD KYD KZT LBP LKR LRD LSL LYD MDL MKD MMK MNT MRU MUR MVR MWK MXN MYR MZN
  NAD NGN NOK NPR NZD OMR PAB PGK PKR PLN PYG QAR RSD RUB RWF SAR SBD SCR SEK
  SGD SHP SLE SSP SYP SZL THB TJS TMT TND TTD TWD TZS UAH UGX USD UYU UZS VED
  VND VUV XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
  CUC HRK SLL VEF ZWL`;

const WORD_CODES = `
  ALL BAM BOB BTN COP CUP DOP ERN GEL GIP HUF IRR LAK MAD MGA MOP PEN RON SDG
  SOS SRD STN SVC TOP TRY VES WST`;

const VERSION_CODES = "AMD BSD CVE NIO PHP";

/** Codes that also count in lower and mixed case. */
const COMMON_CODES = "USD EUR GBP INR JPY CHF CNY AUD CAD SGD AED";

const UNITS = `
  dollar dollars euro euros rupee rupees pound pounds yen yuan dirham dirhams
  franc francs cent cents paise pence lakh lakhs crore crores quid`;

/** Signs in letters, and codes that ISO 4217 does not have. */
const OTHER_CODES = "kr zł btc usdt";

const UPPER_CASE_WORDS = new Map<string, CurrencyWord>([
  ...withKind(CODES, "code"),
  ...withKind(WORD_CODES, "word code"),
  ...withKind(VERSION_CODES, "version code"),
]);

const LOWER_CASE_WORDS = new Map<string, CurrencyWord>([
  ...withKind(COMMON_CODES.toLowerCase(), "code"),
  ...withKind(OTHER_CODES, "code"),
  ...withKind(UNITS, "unit"),
  ...withKind("rs", "sign"),
]);

/** The kind of a word of letters; undefined for a word that does not denote money. */
function classifyCurrencyWord(word: string): CurrencyWord | undefined {
  return UPPER_CASE_WORDS.get(word) ?? LOWER_CASE_WORDS.get(word.toLowerCase());
}

function withKind(words: string, kind: CurrencyWord): [string, CurrencyWord][] {
  return words.trim().split(/\s+/).map((word) => [word, kind]);
}
