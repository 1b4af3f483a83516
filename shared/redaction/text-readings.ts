/** Characters that take no room on the page: joiners, variation selectors, controls other than white space. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}]|(?!\s)\p{Cc}/gu;

/** Text that reads in one way, as it is: what nearly every text is. */
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** Marks drawn over a digit, such as strike-through or a keycap. */
const MARK_ON_DIGIT = /(?<=\p{Nd})\p{M}+/gu;

const FOREIGN_DIGIT = /(?![0-9])\p{Nd}/gu;
const ANY_DIGIT = /\p{Nd}/u;

/** NFKC spells the rial sign out in letters, so it is made a neutral currency sign first. */
const RIAL_SIGN = /\uFDFC/g;
const NEUTRAL_CURRENCY_SIGN = "\u00A4";

const PUNCTUATION: readonly (readonly [RegExp, string])[] = [
  [/[\p{Pd}\u2212]/gu, "-"],
  [/\p{Zs}/gu, " "],
  [/[\u2018\u2019\u02BC\u2032]/g, "'"],
  [/\u066B/g, "."],
  [/\u066C/g, ","],
];

/**
 * The ways in which a person would read `text`, each in plain form: NFKC,
 * digits of every script as 0–9, every dash as `-`, every space as a space.
 *
 * One reading when nothing is hidden. When `text` has invisible characters
 * there are two: without them (`4111<ZWSP>1111` is one number) and with a space
 * in place of each (`card<ZWSP>4111…` is a word and a number), because either
 * can be the one that shows a value.
 */
export function readText(text: string): string[] {
  if (PRINTABLE_ASCII.test(text)) return [text];
  const composed = text.replace(RIAL_SIGN, NEUTRAL_CURRENCY_SIGN).normalize(
    "NFKC",
  );
  const joined = simplify(composed.replace(INVISIBLE, ""));
  const separated = simplify(composed.replace(INVISIBLE, " "));
  return joined === separated ? [joined] : [joined, separated];
}

function simplify(text: string): string {
  let plain = text.replace(MARK_ON_DIGIT, "").replace(
    FOREIGN_DIGIT,
    asciiDigit,
  );
  for (const [pattern, replacement] of PUNCTUATION) {
    plain = plain.replace(pattern, replacement);
  }
  return plain;
}

/**
 * Unicode encodes the digits of a script as ten consecutive code points
 * (Unicode Standard, §4.6), so the value is the distance to the first of them.
 */
function asciiDigit(digit: string): string {
  const codePoint = digit.codePointAt(0)!;
  let value = 0;
  while (
    value < 9 && ANY_DIGIT.test(String.fromCodePoint(codePoint - value - 1))
  ) {
    value++;
  }
  return String(value);
}
