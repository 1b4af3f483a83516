import { findSpans, isTimestamp, type Span } from "./text.ts";

/** Three letters, the type of holder, a letter, four digits, a letter (Income Tax Department). */
const PAN_SHAPE = "[A-Z]{3}[ABCFGHLJPTKE][A-Z]\\d{4}[A-Z]";
const PAN = wholeWord(PAN_SHAPE);

/** Quick filters. */
const MAY_BE_PAN = /[A-Z]{5}\d{4}[A-Z]/i;
const MAY_BE_GSTIN = /\d{2}[ .-]?[A-Z]{5}[ .-]?\d{4}/i;

/** State code, PAN, entity number, a letter (Z so far) and a check character (GST Network). */
const GSTIN = wholeWord(
  `(?:0[1-9]|[12]\\d|3[0-8]|97|99)[ .-]?[A-Z]{3}[ABCFGHLJPTKE][A-Z][ .-]?\\d{4}[ .-]?[A-Z][0-9A-Z]{3}`,
);

/**
 * Twelve digits, the first 2–9, whole or 4-4-4 (UIDAI). A look-ahead, so that the search
 * continues at the next group: in `2024 2341 2341 2346` the year must not hide the
 * number.
 */
const AADHAAR =
  /(?<!\p{N})(?=([2-9]\d{3}([^\p{L}\p{N}]{0,3})\d{4}\2\d{4})(?!\p{N}))/gu;

/** A list of years. */
const YEARS = /^(?:19|20)\d\d\D+(?:19|20)\d\d\D+(?:19|20)\d\d$/;

/** What touches the digits of an id with letters between them. */
const WITHIN_ID = /\p{N}\p{L}{1,24}$/u;
const CONTINUES_ID = /^\p{L}{1,24}\p{N}/u;

/**
 * The Indian Permanent Account Numbers of `text` (a reading of `readText`), as whole
 * words in either case. A PAN has no public check digit.
 */
export function findPans(text: string): Span[] {
  return MAY_BE_PAN.test(text) ? findSpans(text, PAN) : [];
}

/**
 * The Indian GSTINs of `text` (a reading of `readText`), as whole words in either case:
 * state code 01–38, 97 or 99, a PAN, and a valid check character (Luhn mod 36).
 */
export function findGstins(text: string): Span[] {
  if (!MAY_BE_GSTIN.test(text)) return [];
  return findSpans(text, GSTIN).filter(({ start, end }) =>
    passesLuhnMod36(text.slice(start, end).replace(/[ .-]/g, ""))
  );
}

/**
 * The Indian Aadhaar numbers of `text` (a reading of `readText`): 12 digits starting 2–9,
 * whole or 4-4-4 with one separator of up to three characters, with a valid Verhoeff
 * digit. Letters may touch them, unless further digits follow.
 *
 * One random number in ten has a valid Verhoeff digit, so a decimal id of 12 digits can
 * be a false positive.
 */
export function findAadhaars(text: string): Span[] {
  return Array.from(text.matchAll(AADHAAR), (match) => {
    const [, shown] = match;
    return { start: match.index, end: match.index + shown.length };
  }).filter((span) => isAadhaar(text, span));
}

function isAadhaar(text: string, { start, end }: Span): boolean {
  const digits = text.slice(start, end).replace(/\D/g, "");
  return passesVerhoeff(digits) && !isTimestamp(digits) &&
    !YEARS.test(text.slice(start, end)) &&
    !WITHIN_ID.test(text.slice(Math.max(0, start - 25), start)) &&
    !CONTINUES_ID.test(text.slice(end, end + 25));
}

function wholeWord(shape: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}])${shape}(?![\\p{L}\\p{N}])`, "giu");
}

/** Luhn over base-36 digits: every second from the right is doubled and its digits summed. */
function passesLuhnMod36(characters: string): boolean {
  let sum = 0;
  for (let place = 0; place < characters.length; place++) {
    const value = parseInt(characters[characters.length - 1 - place], 36);
    const product = place % 2 === 0 ? value : value * 2;
    sum += Math.floor(product / 36) + product % 36;
  }
  return sum % 36 === 0;
}

/** Row of the Verhoeff permutation table for place 1; the row for place n applies it n times. */
const PERMUTATION = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/** J. Verhoeff, Error Detecting Decimal Codes (1969). */
function passesVerhoeff(digits: string): boolean {
  let check = 0;
  for (let place = 0; place < digits.length; place++) {
    let digit = Number(digits[digits.length - 1 - place]);
    for (let times = 0; times < place % 8; times++) digit = PERMUTATION[digit];
    check = composeDihedral(check, digit);
  }
  return check === 0;
}

/** Multiplication in the dihedral group of order 10: 0–4 are rotations, 5–9 reflections. */
function composeDihedral(left: number, right: number): number {
  if (left < 5) {
    return right < 5 ? (left + right) % 5 : 5 + (left + right - 5) % 5;
  }
  return right < 5 ? 5 + (left - right) % 5 : (left - right + 5) % 5;
}

/** Area 001–665 and 667–899, group 01–99, serial 0001–9999 (Social Security Administration, 2011). */
const AREA = "(?!000|666|9)\\d{3}";
const GROUP = "(?!00)\\d{2}";
const SERIAL = "(?!0000)\\d{4}";

/** Three groups with the same separator; a longer chain with it is another number. */
const SSN = new RegExp(
  `(?<![\\p{L}\\p{N}])${AREA}([^\\p{L}\\p{N}]{1,3})${GROUP}\\1${SERIAL}` +
    `(?![\\p{L}\\p{N}]|\\1\\d)`,
  "gu",
);

/**
 * The US Social Security numbers of `text` (a reading of `readText`), written in groups:
 * AAA-GG-SSSS, with any separator of up to three characters. Nine digits without
 * separators are not one: counts and ids look the same, and the number has no check
 * digit. `findLabelledNumbers` finds them after `SSN`.
 */
export function findSsns(text: string): Span[] {
  return Array.from(text.matchAll(SSN))
    .filter(({ 1: separator, index }) =>
      !endsWithDigitAnd(text.slice(Math.max(0, index - 4), index), separator)
    )
    .map(({ 0: { length }, index }) => ({ start: index, end: index + length }));
}

/** Whether a text ends with a digit and the separator, so that a longer chain began before. */
function endsWithDigitAnd(text: string, separator: string): boolean {
  return text.endsWith(separator) &&
    /\d/.test(text.charAt(text.length - separator.length - 1));
}
