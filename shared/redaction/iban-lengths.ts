/**
 * Length of an IBAN by country code, in characters, country code and check
 * digits included. Source: SWIFT IBAN Registry, release 102 (89 countries).
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

/** Countries that use numbers of the IBAN form without having registered it. */
const UNREGISTERED: Readonly<Record<number, string>> = {
  25: "AO CV GW MZ",
  26: "DZ IR",
  27: "CF CG CM GA GQ KM MG TD",
  28: "BF BJ CI MA ML NE SN TG",
};

/** The length of an IBAN of each country that has them, by ISO 3166-1 alpha-2 code. */
export const IBAN_LENGTHS: ReadonlyMap<string, number> = new Map(
  [REGISTERED, UNREGISTERED].flatMap((table) =>
    Object.entries(table).flatMap(([length, countries]) =>
      countries.split(" ").map((country) => [country, Number(length)] as const)
    )
  ),
);
