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
export type CurrencyWord =
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
export function classifyCurrencyWord(word: string): CurrencyWord | undefined {
  return UPPER_CASE_WORDS.get(word) ?? LOWER_CASE_WORDS.get(word.toLowerCase());
}

function list(words: string, kind: CurrencyWord): [string, CurrencyWord][] {
  return words.trim().split(/\s+/).map((word) => [word, kind]);
}
