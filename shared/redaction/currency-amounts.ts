import { classifyCurrencyWord, type CurrencyWord } from "./currency-codes.ts";

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
