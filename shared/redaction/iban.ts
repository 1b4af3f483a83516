import type { Span } from "./text.ts";

/** Country code and check digits, in either case. */
const START = /([A-Za-z])([A-Za-z])[0-9]{2}/g;

/** With separators between them, in capitals only, because `no 12` is common in text. */
const SEPARATED_START =
  /(?<![A-Za-z0-9])([A-Z])[^A-Za-z0-9]{0,3}([A-Z])[^A-Za-z0-9]{1,3}[0-9]/g;

const ALPHANUMERIC = /[A-Za-z0-9]/;
const ANY_DIGIT = /\p{N}/u;
const ANY_LETTER = /\p{L}/u;
const ANY_ALPHANUMERIC = /[\p{L}\p{N}]/u;

/** The shortest IBAN, in characters. */
const SHORTEST = 15;

/** Characters between two characters of an IBAN. */
const MAX_GAP = 3;

/** Letters that touch an IBAN on one side, such as `IBAN`. */
const MAX_TOUCHING = 24;

/** Check digits of ISO 7064 MOD 97-10 are 02 to 98. */
const CHECK_DIGITS = /^..(?:0[2-9]|[1-8][0-9]|9[0-8])/;

/**
 * The IBANs (ISO 13616) of `text` (a reading of `readText`) in either case, with
 * separators of up to three characters, such as `.` or two spaces, between their
 * characters: the length of the country and valid check digits (ISO 7064 MOD 97-10).
 * A word may touch both ends (`IBANDE89…`), a digit may not.
 *
 * Countries that are not in `IBAN_LENGTHS` have no IBANs: one product id in 97 would
 * pass the check digits alone.
 */
export function findIbans(text: string): Span[] {
  return text.length < SHORTEST
    ? []
    : [...findFrom(text, START), ...findFrom(text, SEPARATED_START)];
}

function findFrom(text: string, start: RegExp): Span[] {
  const found: Span[] = [];
  let end = 0;
  for (const { 1: first, 2: second, index } of text.matchAll(start)) {
    const length = IBAN_LENGTHS.get((first + second).toUpperCase());
    if (length === undefined || index < end || isWithinId(text, index, -1)) {
      continue;
    }
    const iban = readCharacters(text, index, length);
    if (iban === undefined || !passesMod97(iban.characters)) continue;
    end = iban.end;
    found.push({ start: index, end });
  }
  return found;
}

/** Letters of hexadecimal ids. */
const HEX_ONLY = /^[a-f]+$/i;

/**
 * Whether the letters that touch the character at `index`, before (-1) or after it (1), are
 * part of an id: a digit is on their other side, they are hexadecimal, or too many.
 */
function isWithinId(text: string, index: number, direction: -1 | 1): boolean {
  let letters = "";
  while (letters.length < MAX_TOUCHING) {
    const character = text.charAt(index + direction * (letters.length + 1));
    if (!ANY_LETTER.test(character)) {
      return ANY_DIGIT.test(character) || HEX_ONLY.test(letters);
    }
    letters += character;
  }
  return true;
}

/** `count` characters from `start` without separators, in upper case; undefined unless the run of digits ends after them. */
function readCharacters(
  text: string,
  start: number,
  count: number,
): { characters: string; end: number } | undefined {
  let characters = "";
  let position = start;
  while (characters.length < count) {
    const gapEnd = position + MAX_GAP;
    while (
      position < gapEnd && position < text.length &&
      !ANY_ALPHANUMERIC.test(text.charAt(position))
    ) position++;
    const character = text.charAt(position);
    if (!ALPHANUMERIC.test(character)) return undefined;
    characters += character;
    position++;
  }
  const isEnd = ANY_DIGIT.test(characters.at(-1)!)
    ? !isWithinId(text, position - 1, 1)
    : !ANY_ALPHANUMERIC.test(text.charAt(position));
  return isEnd
    ? { characters: characters.toUpperCase(), end: position }
    : undefined;
}

/** ISO 7064 MOD 97-10 over the characters with the first four moved to the end, A–Z as 10–35. */
function passesMod97(iban: string): boolean {
  if (!CHECK_DIGITS.test(iban)) return false;
  let remainder = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder === 1;
}

/**
 * Length of an IBAN in characters, country code and check digits included → country
 * codes. Source: SWIFT IBAN Registry, release 102 (89 countries).
 */
const REGISTERED: Readonly<Record<number, string>> = {
  15: "NO",
  16: "BE",
  18: "DK FI FK FO GL NL SD",
  19: "MK SI",
  20: "AT BA EE KZ LT LU MN XK",
  21: "CH HR LI LV",
  22: "BG BH CR DE GB GE IE ME RS VA",
  23: "AE GI IL IQ OM SO TL",
  24: "AD CZ ES MD PK RO SA SE SK TN VG",
  25: "LY PT ST",
  26: "IS TR",
  27: "BI DJ FR GR IT MC MR SM",
  28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
  29: "BR EG PS QA UA",
  30: "JO KW MU YE",
  31: "MT SC",
  32: "LC",
  33: "RU",
};

/** Countries with numbers in the format of an IBAN that are not registered. */
const UNREGISTERED: Readonly<Record<number, string>> = {
  25: "AO CV GW MZ",
  26: "DZ IR",
  27: "CF CG CM GA GQ KM MG TD",
  28: "BF BJ CI MA ML NE SN TG",
};

/** Country code (ISO 3166-1 alpha-2) → length of its IBANs in characters. */
export const IBAN_LENGTHS: ReadonlyMap<string, number> = new Map(
  [REGISTERED, UNREGISTERED].flatMap((table) =>
    Object.entries(table).flatMap(([length, countries]) =>
      countries.split(" ").map((country) => [country, Number(length)] as const)
    )
  ),
);
