/** Invisible characters: joiners, variation selectors, controls other than white space. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}]|(?!\s)\p{Cc}/gu;

/** Text with one reading, itself, as most texts are. */
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** Marks drawn over a digit, such as strike-through or a keycap. */
const MARK_ON_DIGIT = /(?<=\p{Nd})\p{M}+/gu;

const FOREIGN_DIGIT = /(?![0-9])\p{Nd}/gu;
const ANY_DIGIT = /\p{Nd}/u;

/** NFKC spells out the rial sign in letters, so it becomes a neutral currency sign first. */
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
 * The readings of `text` in normalized form: NFKC, digits of every script as 0–9, every
 * dash as `-`, every space as a space.
 *
 * A text with invisible characters has two readings: without them (`4111<ZWSP>1111` is
 * one number), and with a space for each (`card<ZWSP>4111…` is a word and a number),
 * because either can show a value.
 */
export function readText(text: string): string[] {
  if (PRINTABLE_ASCII.test(text)) return [text];
  const composed = text.replace(RIAL_SIGN, NEUTRAL_CURRENCY_SIGN).normalize(
    "NFKC",
  );
  const joined = normalize(composed.replace(INVISIBLE, ""));
  const separated = normalize(composed.replace(INVISIBLE, " "));
  return joined === separated ? [joined] : [joined, separated];
}

/**
 * Whether a text has more than `max` characters (UTF-16 code units) in NFKC, in which one
 * character can become 18: searching it would take that many times as long.
 */
export function isLongNormalized(text: string, max: number): boolean {
  return !PRINTABLE_ASCII.test(text) && text.normalize("NFKC").length > max;
}

function normalize(text: string): string {
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
 * Unicode encodes the digits of a script as ten consecutive code points (Unicode
 * Standard, §4.6), so the value is the distance to the first.
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

/** 8-4-4-4-12 in either case (RFC 9562 §4). */
const UUID =
  /(?<![\p{L}\p{N}])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\p{L}\p{N}])/giu;

/** Text that no card number or amount can span. */
const BARRIER = "\n#\n";

/**
 * Removes UUIDs from `text`, so that no part of one is mistaken for a card number, an
 * amount (`…-5cad-…`) or an identity number.
 *
 * Only this exact format is removed: two card numbers joined by a hyphen also have 32
 * digits. Ids of one alphanumeric run (UUIDs without hyphens, hashes, ULIDs) can stay,
 * because every search requires word boundaries.
 */
export function removeUuids(text: string): string {
  return text.replace(UUID, BARRIER);
}

const DATE = "20\\d\\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])";
const TIME = "(?:[01]\\d|2[0-3])[0-5]\\d(?:[0-5]\\d(?:\\d{3})?)?";
const TIMESTAMP = new RegExp(`^${DATE}(?:${TIME}|${DATE})$`);

/**
 * Whether `digits` (separators removed) read as a date of 2000–2099 followed by
 * a time or a second date: `202611211030`, `20261121103045`,
 * `20261121103045123`, `2026112120261122`.
 *
 * Such numbers are common in file names and ranges, and one in ten has a valid check
 * digit. Excluding them misses little: no card scheme issues the prefix 20, and fewer
 * than one Aadhaar number in 10,000 has this format.
 */
export function isTimestamp(digits: string): boolean {
  return TIMESTAMP.test(digits);
}
