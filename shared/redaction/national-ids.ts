import { isTimestamp } from "./text.ts";

/** Three letters, the type of holder, a letter, four digits, a letter (Income Tax Department). */
const PAN_SHAPE = "[A-Z]{3}[ABCFGHLJPTKE][A-Z]\\d{4}[A-Z]";
const PAN = wholeWord(PAN_SHAPE);

/** State code, PAN, entity number, a letter (Z so far) and a check character (GST Network). */
const GSTIN = wholeWord(
  `(?:0[1-9]|[12]\\d|3[0-8]|97|99)${PAN_SHAPE}[0-9A-Z]{3}`,
);

/**
 * Twelve digits, the first 2–9, whole or 4-4-4 (UIDAI). A look-ahead, so that the search
 * continues at the next group: in `2024 2341 2341 2346` the year must not hide the
 * number.
 */
const AADHAAR =
  /(?<![\p{L}\p{N}])(?=([2-9]\d{3}([ -]?)\d{4}\2\d{4})(?![\p{L}\p{N}]))/gu;

/**
 * Whether `text` (a reading of `readText`) has an Indian Permanent Account
 * Number as a whole word, in either case. A PAN has no public check digit.
 */
export function hasPan(text: string): boolean {
  return text.search(PAN) >= 0;
}

/**
 * Whether `text` (a reading of `readText`) has an Indian GSTIN as a whole
 * word, in either case: state code 01–38, 97 or 99, a PAN, and a valid check
 * character (Luhn mod 36).
 */
export function hasGstin(text: string): boolean {
  return Array.from(text.matchAll(GSTIN), (match) => match[0])
    .some(passesLuhnMod36);
}

/**
 * Whether `text` (a reading of `readText`) has an Indian Aadhaar number: 12
 * digits starting 2–9, whole or 4-4-4 with spaces or hyphens, with a valid
 * Verhoeff digit.
 *
 * One random number in ten has a valid Verhoeff digit, so a decimal id of 12 digits can
 * be a false positive.
 */
export function hasAadhaar(text: string): boolean {
  return Array.from(text.matchAll(AADHAAR), (match) => match[1])
    .map((match) => match.replace(/[ -]/g, ""))
    .some((digits) => passesVerhoeff(digits) && !isTimestamp(digits));
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

/** One pattern per separator: a longer chain with the same separator is another number. */
const SSN_PATTERNS = [" ", "-"].map((separator) =>
  new RegExp(
    `(?<![\\p{L}\\p{N}]|\\d${separator})` +
      [AREA, GROUP, SERIAL].join(separator) +
      `(?![\\p{L}\\p{N}]|${separator}\\d)`,
    "u",
  )
);

/**
 * Whether `text` (a reading of `readText`) has a US Social Security number
 * written AAA-GG-SSSS or AAA GG SSSS. Nine digits without separators are not
 * one: counts and ids look the same, and the number has no check digit.
 */
export function hasSsn(text: string): boolean {
  return SSN_PATTERNS.some((pattern) => pattern.test(text));
}
