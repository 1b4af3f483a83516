import { readText } from "./text.ts";

/** Words that name money, accounts, identities or credentials wherever they stand in a key. */
const SENSITIVE = `
  amount amt balance price cost fee salary wage payroll income revenue turnover
  profit loss tax gst gstin vat debit credit payment payout subtotal earning
  expense dividend money cash
  iban swift bic ifsc upi pan aadhaar aadhar ssn card cvv cvc
  pin otp password passwd passphrase passcode pwd secret token credential
  authorization bearer cookie jwt
  usd eur gbp inr jpy chf cny aud cad sgd aed
  dollar euro rupee lakh crore`;

/** Words that do so only together and in this order. */
const SENSITIVE_PAIRS = `
  account+number account+no account+num acct+number acct+no acct+num
  account+details bank+account bank+details routing+number routing+no sort+code
  invoice+total order+total grand+total total+due net+worth net+pay gross+pay
  api+key access+key private+key encryption+key signing+key master+key auth+key
  ssh+key security+code`;

/** Words that say nothing by themselves; they let run-together keys be taken apart. */
const QUALIFIERS = `
  account acct admin annual app approved auth available average avg bank base
  basic billed client closing code credit current customer daily data db default
  due employee encryption final firm gross holder hourly input invoice key last
  list master max min monthly my name net new no num number old opening order
  output paid private refresh remaining root routing sale security selling service
  session signing sort ssh total type unit user value vendor wallet webhook yearly
  access api details grand holder pay worth`;

/** After `token` these make it a unit of text that is counted. */
const COUNTED_TOKEN = "usage limit budget length size total type";

function words(list: string): Set<string> {
  return new Set(list.trim().split(/\s+/));
}

export const SENSITIVE_WORDS: ReadonlySet<string> = words(SENSITIVE);
const SENSITIVE_WORD_PAIRS: ReadonlySet<string> = words(SENSITIVE_PAIRS);
const COUNTED_TOKEN_WORDS: ReadonlySet<string> = words(COUNTED_TOKEN);

/** Every word that a run-together key may be made of. */
const VOCABULARY: ReadonlySet<string> = new Set([
  ...SENSITIVE_WORDS,
  ...words(QUALIFIERS),
]);

const LONGEST_WORD: number = Math.max(
  ...Array.from(VOCABULARY, (word) => word.length),
);

/** More parts than any name that someone would write; bounds the search. */
const MAX_PARTS = 5;

/** The longest vocabulary word with a plural ending, in characters. */
const LONGEST_PART = LONGEST_WORD + "es".length;

const ACRONYM_PLURAL = /(?<=[A-Z])s(?![a-z])/g;
const CAMEL_HUMP = /(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/gu;
const BETWEEN_WORDS = /[^\p{L}]+/u;

/** A key with one of these at its end names a reference or a count. */
const REFERENCE_ENDINGS: ReadonlySet<string> = new Set(["id", "ids", "count"]);

/**
 * Whether `key` names money, an account, an identity or a credential
 * (`total_amount`, `accountNumber`, `api-key`), so that its value does not belong
 * in metadata of references and counts.
 *
 * The key is cut into words at everything that is not a letter and at camelCase
 * humps; a word or two adjacent words decide, the plural counts as the singular
 * except for `tokens`, which are counted. A key that ends in `id`, `ids` or
 * `count` is never sensitive: the rules for values see to its value.
 *
 * A word without any boundary (`accountnumber`, `bankbalance`) is taken apart
 * when it consists *entirely* of known words. `panel`, `costa`, `japan`,
 * `discard` and `spinner` contain a sensitive word but leave a rest that is no
 * word of the vocabulary, so they pass.
 */
export function isSensitiveKey(key: string): boolean {
  return readText(key).some((reading) => {
    const words = splitWords(markHumps(reading));
    if (REFERENCE_ENDINGS.has(words.at(-1) ?? "")) return false;
    // A hump in the wrong place (`pAssword`) must not hide a word.
    return [words, splitWords(reading)].some((split) =>
      nameSensitive(split) || split.some((word) => isSensitiveRun(word, []))
    );
  });
}

function markHumps(key: string): string {
  return key.replace(ACRONYM_PLURAL, "S").replace(CAMEL_HUMP, " ");
}

function splitWords(key: string): string[] {
  return key.toLowerCase().split(BETWEEN_WORDS).filter(Boolean);
}

function nameSensitive(words: readonly string[]): boolean {
  return words.some((word, index) => {
    const next = words[index + 1] ?? "";
    if (word === "token" && COUNTED_TOKEN_WORDS.has(next)) return false;
    return isSensitiveWord(word) || isSensitivePair(word, next);
  });
}

function isSensitiveWord(word: string): boolean {
  if (word === "tokens") return false;
  return singularsOf(word).some((singular) => SENSITIVE_WORDS.has(singular));
}

function isSensitivePair(word: string, next: string): boolean {
  return singularsOf(word).some((first) =>
    singularsOf(next).some((second) =>
      SENSITIVE_WORD_PAIRS.has(`${first}+${second}`)
    )
  );
}

/** What `word` may be the plural of, itself included. */
function singularsOf(word: string): string[] {
  return [
    word,
    word.replace(/s$/, ""),
    word.replace(/es$/, ""),
    word.replace(/ies$/, "y"),
  ];
}

/** Whether `rest` can be cut into vocabulary words that, after `parts`, name something sensitive together. */
function isSensitiveRun(rest: string, parts: readonly string[]): boolean {
  if (rest === "") return parts.length > 1 && nameSensitive(parts);
  if (parts.length === MAX_PARTS) return false;
  for (let end = Math.min(rest.length, LONGEST_PART); end > 0; end--) {
    const part = rest.slice(0, end);
    // Only the last part may be a plural, or `namespan` would be `names` and `pan`.
    const forms = end === rest.length ? singularsOf(part) : [part];
    if (
      forms.some((form) => VOCABULARY.has(form)) &&
      isSensitiveRun(rest.slice(end), [...parts, part])
    ) return true;
  }
  return false;
}
