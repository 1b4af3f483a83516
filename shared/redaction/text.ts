/** A passage of a text: start and end in UTF-16 code units, the end excluded. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The matches of `pattern` (flag `g`) in `text`. */
export function findSpans(text: string, pattern: RegExp): Span[] {
  return Array.from(
    text.matchAll(pattern),
    ({ 0: { length }, index }) => ({ start: index, end: index + length }),
  );
}

/** A text as the searches read it. */
export interface Reading {
  readonly text: string;
  /**
   * For each code unit of `text`, the offset of its character in the original, and at the
   * end the length of the original; undefined if both texts are the same.
   */
  readonly offsets?: readonly number[];
}

/** Text with one reading, itself, as most texts are. */
const PLAIN_ASCII = /^[\t\n\r\x20-\x7e]*$/;

/**
 * The readings of `text` in normalized form: NFKD without marks, digits of every script
 * and numerals in circles as 0–9, every dash as `-`, every space as a space.
 *
 * A text with invisible characters has two readings: without them (`4111<ZWSP>1111` is
 * one number), and with a space for each (`card<ZWSP>4111…` is a word and a number) or a
 * hyphen for a soft one, because either can show a value. A reading has at most four times the code units of
 * its text.
 */
export function readText(text: string): Reading[] {
  if (PLAIN_ASCII.test(text)) return [{ text }];
  const joined = readCharacters(text, "");
  const separated = readCharacters(text, " ");
  return joined.text === separated.text ? [joined] : [joined, separated];
}

/** A hyphen that shows at the end of a line only. */
const SOFT_HYPHEN = "\u00AD";

function readCharacters(text: string, invisible: string): Reading {
  const offsets: number[] = [];
  let read = "";
  let offset = 0;
  for (const character of text) {
    const plain = character >= " " && character <= "~"
      ? character
      : readCharacter(character) ??
        (character === SOFT_HYPHEN && invisible !== "" ? "-" : invisible);
    read += plain;
    for (let unit = 0; unit < plain.length; unit++) offsets.push(offset);
    offset += character.length;
  }
  offsets.push(text.length);
  return { text: read, offsets };
}

/** The span of the original text that shows `span` of its reading, with the invisible characters behind it. */
export function toOriginal({ offsets }: Reading, span: Span): Span {
  if (offsets === undefined) return span;
  const start = offsets[span.start];
  let end = span.end;
  // Part of a character cannot be replaced alone.
  while (end < offsets.length - 1 && offsets[end] === offsets[end - 1]) end++;
  return { start, end: offsets[end] };
}

/** The characters of earlier texts; the cache is bounded, because all of Unicode is large. */
const readings = new Map<string, string | null>();
const MAX_READINGS = 4_096;

/** The reading of a character; null for an invisible one. */
function readCharacter(character: string): string | null {
  let plain = readings.get(character);
  if (plain === undefined) {
    plain = normalizeCharacter(character);
    if (readings.size === MAX_READINGS) readings.clear();
    readings.set(character, plain);
  }
  return plain;
}

/** Invisible characters: joiners, variation selectors, controls other than white space. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}]|(?!\s)\p{Cc}/u;

/** Marks drawn over a character, such as an accent, a strike-through or a keycap. */
const MARKS = /\p{M}+/gu;

const FOREIGN_DIGIT = /(?![0-9])\p{Nd}/gu;
const ANY_DIGIT = /\p{Nd}/u;

const PUNCTUATION: readonly (readonly [RegExp, string])[] = [
  [/[\p{Pd}\u2212]/gu, "-"],
  [/\p{Zs}/gu, " "],
  [/[\u2018\u2019\u02BC\u2032]/g, "'"],
  [/[\u201C\u201D\u2033]/g, '"'],
  [/\u066B/g, "."],
  [/\u066C/g, ","],
];

/** A currency sign that NFKC spells out in letters. */
const RIAL_SIGN = "\uFDFC";
const NEUTRAL_CURRENCY_SIGN = "\u00A4";

/** The longest form of a character that can be part of a value; others are words of Arabic. */
const MAX_FORM = 4;

function normalizeCharacter(character: string): string | null {
  if (INVISIBLE.test(character)) return null;
  if (character === RIAL_SIGN) return NEUTRAL_CURRENCY_SIGN;
  const numeral = readNumeral(character);
  if (numeral !== undefined) return numeral;
  let plain = character.normalize("NFKD").replace(MARKS, "")
    .replace(FOREIGN_DIGIT, asciiDigit);
  if (plain.length > MAX_FORM) return character;
  for (const [pattern, replacement] of PUNCTUATION) {
    plain = plain.replace(pattern, replacement);
  }
  return plain;
}

/** First code point → value, for ranges of numerals that are no digits in Unicode. */
const NUMERAL_RANGES: readonly (readonly [
  first: number,
  last: number,
  value: number,
])[] = [
  [0x2776, 0x277F, 1], // ❶ to ❿
  [0x2780, 0x2789, 1], // ➀ to ➉
  [0x278A, 0x2793, 1], // ➊ to ➓
  [0x24F5, 0x24FE, 1], // ⓵ to ⓾
  [0x24EB, 0x24F4, 11], // ⓫ to ⓴
  [0x24FF, 0x24FF, 0], // ⓿
  [0x1F10B, 0x1F10B, 0], // 🄋
  [0x1F10C, 0x1F10C, 0], // 🄌
  [0x3021, 0x3029, 1], // 〡 to 〩
  [0x1D360, 0x1D368, 1], // counting rods
  [0x1369, 0x1371, 1], // ፩ to ፱
  [0x3007, 0x3007, 0], // 〇
];

const CHINESE_NUMERALS = [
  "零一二三四五六七八九",
  "零壹贰叁肆伍陆柒捌玖",
  "〇壹貳參肆伍陸柒捌玖",
];

function readNumeral(character: string): string | undefined {
  for (const numerals of CHINESE_NUMERALS) {
    const value = numerals.indexOf(character);
    if (value >= 0) return String(value);
  }
  const code = character.codePointAt(0)!;
  const range = NUMERAL_RANGES.find(([first, last]) =>
    code >= first && code <= last
  );
  return range && String(code - range[0] + range[2]);
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

/**
 * Whether a text has more than `max` characters (UTF-16 code units) in NFKC, in which one
 * character can become 18.
 */
export function isLongNormalized(text: string, max: number): boolean {
  return !PLAIN_ASCII.test(text) && text.normalize("NFKC").length > max;
}

/** 8-4-4-4-12 in either case (RFC 9562 §4). */
const UUID =
  /(?<![\p{L}\p{N}])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\p{L}\p{N}])/giu;

/**
 * Numbers of clouds: the account in an Amazon Resource Name or a host name of AWS, and a
 * project or an endpoint in a resource name of Google Cloud.
 */
const CLOUD_NUMBER = new RegExp(
  "(?=\\d{12})(?:" + [
    "(?<=\\barn:aws[a-z-]{0,10}:[a-z0-9-]{0,32}:[a-z0-9-]{0,32}:)\\d{12}(?=:)",
    "(?<![a-z0-9])\\d{12}(?=\\.dkr\\.ecr\\.)",
    "(?<=\\.amazonaws\\.com/)\\d{12}(?=/)",
    "(?<=\\bprojects/)\\d{12}(?=/)",
    "(?<=\\bprojects/[a-z0-9-]{1,30}/locations/[a-z0-9-]{1,30}/endpoints/)\\d{16,19}(?!\\d)",
  ].join("|") + ")",
  "gi",
);

/** White space as JSON and many logs escape it; its letter would touch the digits. */
const ESCAPED_SPACE = /\\[nrt]/g;

/** The longest part of both, as a quick filter. */
const TWELVE = /[0-9a-f]{12}/i;

/**
 * Replaces UUIDs and numbers of clouds by as many `#`, so that no part of one is
 * mistaken for a card number, an amount (`…-5cad-…`) or an identity number, and escaped
 * white space by spaces.
 *
 * Only these exact formats are replaced: two card numbers joined by a hyphen also have 32
 * digits. Ids of one alphanumeric run (UUIDs without hyphens, hashes, ULIDs) can stay,
 * because every search requires word boundaries.
 */
export function maskIds(text: string): string {
  const unescaped = text.includes("\\")
    ? text.replace(ESCAPED_SPACE, "  ")
    : text;
  return TWELVE.test(unescaped)
    ? unescaped.replace(UUID, mask).replace(CLOUD_NUMBER, mask)
    : unescaped;
}

function mask(text: string): string {
  return "#".repeat(text.length);
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
