/** Area 001–665 and 667–899, group 01–99, serial 0001–9999 (Social Security Administration, 2011). */
const AREA = "(?!000|666|9)\\d{3}";
const GROUP = "(?!00)\\d{2}";
const SERIAL = "(?!0000)\\d{4}";

/** One pattern for each separator: a longer chain with the same separator is some other number. */
const SSN_PATTERNS = [" ", "-"].map((separator) =>
  new RegExp(
    `(?<![\\p{L}\\p{N}]|\\d${separator})` +
      [AREA, GROUP, SERIAL].join(separator) +
      `(?![\\p{L}\\p{N}]|${separator}\\d)`,
    "u",
  )
);

/**
 * Whether `text` (a reading, see `readText`) holds a US Social Security number
 * written AAA-GG-SSSS or AAA GG SSSS. Nine digits without separators are not
 * one: counts and ids look the same, and the number has no check digit.
 */
export function hasSsn(text: string): boolean {
  return SSN_PATTERNS.some((pattern) => pattern.test(text));
}
