const START = /(?<![\p{L}\p{N}])[A-Za-z]{2}[0-9]{2}/gu;
const ALPHANUMERIC = /[A-Za-z0-9]/;
const ANY_ALPHANUMERIC = /[\p{L}\p{N}]/u;
const SEPARATOR = /[ -]/;

/** Check digits of ISO 7064 MOD 97-10 are 02 to 98. */
const CHECK_DIGITS = /^..(?:0[2-9]|[1-8][0-9]|9[0-8])/;

/**
 * Whether `text` (a reading of `readText`) has an IBAN (ISO 13616) in either case, with
 * optional single spaces or hyphens between its characters: the length of its country,
 * valid check digits (ISO 7064 MOD 97-10), and not part of a longer alphanumeric run.
 *
 * Countries that are not in `IBAN_LENGTHS` have no IBANs: one product id in 97 would
 * pass the check digits alone.
 */
export function hasIban(text: string): boolean {
  for (const { 0: start, index } of text.matchAll(START)) {
    const length = IBAN_LENGTHS.get(start.slice(0, 2).toUpperCase());
    const iban = length && readCharacters(text, index, length);
    if (iban && passesMod97(iban)) return true;
  }
  return false;
}

/** `count` characters from `start` without separators, in upper case; undefined unless a word ends after them. */
function readCharacters(
  text: string,
  start: number,
  count: number,
): string | undefined {
  let characters = "";
  let position = start;
  while (characters.length < count) {
    if (SEPARATOR.test(text.charAt(position))) position++;
    const character = text.charAt(position);
    if (!ALPHANUMERIC.test(character)) return undefined;
    characters += character;
    position++;
  }
  if (ANY_ALPHANUMERIC.test(text.charAt(position))) return undefined;
  return characters.toUpperCase();
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
