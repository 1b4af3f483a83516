const DATE = "20\\d\\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])";
const TIME = "(?:[01]\\d|2[0-3])[0-5]\\d(?:[0-5]\\d(?:\\d{3})?)?";
const TIMESTAMP = new RegExp(`^${DATE}(?:${TIME}|${DATE})$`);

/**
 * Whether `digits` (separators removed) read as a date of 2000–2099 followed by
 * a time or a second date: `202611211030`, `20261121103045`,
 * `20261121103045123`, `2026112120261122`.
 *
 * Such numbers are common in file names and ranges, and pass a check digit one
 * time in ten. Letting them through costs little: no card scheme issues the
 * prefix 20, and fewer than one Aadhaar number in 10,000 reads like this.
 */
export function isTimestamp(digits: string): boolean {
  return TIMESTAMP.test(digits);
}
