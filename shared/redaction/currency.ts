/**
 * How far on either side of a currency mark a number is looked for, in
 * characters. A longer number is recognised by the part that is nearest.
 */
const REACH = 48;

const MARK = /\p{Sc}|\p{L}+/gu;
const SYMBOL = /\p{Sc}/u;

/** A `$` before a letter, `_`, `{` or `(` starts a variable (`3 $HOME`), but for the French `3 $US`. */
const VARIABLE_AFTER = /^(?![A-Z]{2}(?![\p{L}\p{N}_]))[\p{L}_{(]/u;

const SCALE =
  "(?:k|m|mn|b|bn|cr|hundred|thousand|million|billion|trillion|lakhs?|crores?)";

/** `5`, `1,234.50`, `12,00,000`, `1.234,56`, `1 234,56`, `1'234.50`, `.50`. */
const NUMBER = "[.,]?\\d+(?:[.,' ]\\d+)*";

const AFTER_SYMBOL = /^\s{0,3}[-+(]?\s?[.,]?\d/;
/** Letters in front of the symbol name a country: `5 US$`. */
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

/** Codes of the letters a–f are common at the ends of short hex ids: `1234cad`. */
const HEX_LETTERS = /^[a-f]+$/;

/**
 * Whether `text` (a reading, see `readText`) holds an amount of money: a number
 * next to a currency symbol (any of Unicode's, `US$`, `Rs`), next to an ISO 4217
 * code, or before `dollars`, `lakh` and the like. Codes that are also English
 * words count only beside a number written as an amount (see `CurrencyWord`).
 *
 * Not found: amounts in words (`five dollars`) and numbers without a currency.
 */
export function hasCurrencyAmount(text: string): boolean {
  for (const { 0: mark, index } of text.matchAll(MARK)) {
    const before = text.slice(Math.max(0, index - REACH), index);
    const after = text.slice(index + mark.length, index + mark.length + REACH);
    const found = SYMBOL.test(mark)
      ? standsByNumber(mark, before, after)
      : namesAmount(mark, before, after);
    if (found) return true;
  }
  return false;
}

function standsByNumber(symbol: string, before: string, after: string) {
  if (AFTER_SYMBOL.test(after)) return true;
  return BEFORE_SYMBOL.test(before) &&
    !(symbol === "$" && VARIABLE_AFTER.test(after));
}

function namesAmount(word: string, before: string, after: string): boolean {
  const kind = classifyCurrencyWord(word);
  if (kind === undefined) return false;
  if (kind === "sign") return signsAmount(word, before, after);
  return (kind !== "unit" && hasNumberAfter(word, kind, before, after)) ||
    hasNumberBefore(word, kind, before, after);
}

/** `Rs 5`, `Rs.5`, `RS. 5`, `5/- rs`; but not `RS 232`, `main.rs 12` nor the gene variant `rs429358`. */
function signsAmount(word: string, before: string, after: string): boolean {
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
 * What a word next to a number says about money:
 *
 * - `sign`: `Rs`, a currency sign spelled in letters;
 * - `code`: an ISO 4217 code that means nothing else;
 * - `word code`: a code that is also an English word or a common abbreviation
 *   (`ALL 5`, `TRY 3`, `TOP 10`), money only beside an amount with a decimal part
 *   or thousands;
 * - `version code`: a code that is also the name of something with version
 *   numbers (`PHP 8.3`, `BSD 4.4`, `CVE 2024`), money only beside an amount with
 *   cents or thousands;
 * - `unit`: `dollars`, `lakh`, which come after their number.
 */
type CurrencyWord =
  | "sign"
  | "code"
  | "word code"
  | "version code"
  | "unit";

/** ISO 4217 list one without funds, metals and test codes; withdrawn codes that are still written follow in the last line. */
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

/** Codes that are also caught in lower and mixed case. */
const COMMON_CODES = "USD EUR GBP INR JPY CHF CNY AUD CAD SGD AED";

const UNITS = `
  dollar dollars euro euros rupee rupees pound pounds yen yuan dirham dirhams
  franc francs cent cents paise pence lakh lakhs crore crores`;

const UPPER_CASE_WORDS = new Map<string, CurrencyWord>([
  ...list(CODES, "code"),
  ...list(WORD_CODES, "word code"),
  ...list(VERSION_CODES, "version code"),
]);

const LOWER_CASE_WORDS = new Map<string, CurrencyWord>([
  ...list(COMMON_CODES.toLowerCase(), "code"),
  ...list(UNITS, "unit"),
  ...list("rs", "sign"),
]);

/** What `word`, letters only, says about money; undefined when nothing. */
function classifyCurrencyWord(word: string): CurrencyWord | undefined {
  return UPPER_CASE_WORDS.get(word) ?? LOWER_CASE_WORDS.get(word.toLowerCase());
}

function list(words: string, kind: CurrencyWord): [string, CurrencyWord][] {
  return words.trim().split(/\s+/).map((word) => [word, kind]);
}
