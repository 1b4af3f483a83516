import { readText } from "./text.ts";

/** Words that make a key sensitive: money, accounts, identities, credentials. */
const SENSITIVE = `
  amount amt balance price cost fee salary wage payroll income revenue turnover
  profit loss tax gst gstin vat debit credit payment payout subtotal earning
  expense dividend money cash
  iban swift bic ifsc upi pan aadhaar aadhar ssn card cvv cvc
  pin otp password passwd passphrase passcode pwd secret token credential
  authorization bearer cookie jwt
  usd eur gbp inr jpy chf cny aud cad sgd aed
  dollar euro rupee lakh crore`;

/** Pairs of adjacent words that make a key sensitive. */
const SENSITIVE_PAIRS = `
  account+number account+no account+num acct+number acct+no acct+num
  account+details bank+account bank+details routing+number routing+no sort+code
  invoice+total order+total grand+total total+due net+worth net+pay gross+pay
  api+key access+key private+key encryption+key signing+key master+key auth+key
  ssh+key security+code`;

/** Words that are not sensitive, but occur with sensitive ones in keys without boundaries. */
const QUALIFIERS = `
  account acct admin annual app approved auth available average avg bank base
  basic billed client closing code credit current customer daily data db default
  due employee encryption final firm gross holder hourly input invoice key last
  list master max min monthly my name net new no num number old opening order
  output paid private refresh remaining root routing sale security selling service
  session signing sort ssh total type unit user value vendor wallet webhook yearly
  access api details grand holder pay worth`;

/** Words after `token` that make it a unit of text instead of a credential. */
const COUNTED_TOKEN = "usage limit budget length size total type";

function words(list: string): Set<string> {
  return new Set(list.trim().split(/\s+/));
}

/** The sensitive words, in the singular. */
export const SENSITIVE_WORDS: ReadonlySet<string> = words(SENSITIVE);
const SENSITIVE_WORD_PAIRS: ReadonlySet<string> = words(SENSITIVE_PAIRS);
const COUNTED_TOKEN_WORDS: ReadonlySet<string> = words(COUNTED_TOKEN);

/** Words that a key without boundaries is split into. */
const VOCABULARY: ReadonlySet<string> = new Set([
  ...SENSITIVE_WORDS,
  ...words(QUALIFIERS),
]);

const LONGEST_WORD: number = Math.max(
  ...Array.from(VOCABULARY, (word) => word.length),
);

/** Bounds the search, in words: longer names do not occur. */
const MAX_PARTS = 5;

/** The longest vocabulary word with a plural ending, in characters. */
const LONGEST_PART = LONGEST_WORD + "es".length;

const ACRONYM_PLURAL = /(?<=[A-Z])s(?![a-z])/g;
const CAMEL_CASE_BOUNDARY =
  /(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/gu;
const BETWEEN_WORDS = /[^\p{L}]+/u;

/** Last words of a key that is a reference or a count. */
const REFERENCE_ENDINGS: ReadonlySet<string> = new Set(["id", "ids", "count"]);

/**
 * Whether `key` names money, an account, an identity or a credential (`total_amount`,
 * `accountNumber`, `api-key`), so that its value does not belong in metadata of
 * references and counts.
 *
 * The key is split into words at everything but letters and at camelCase boundaries. A
 * sensitive word or pair makes it sensitive, in the singular or plural, except for
 * `tokens`, which is a count. A key that ends in `id`, `ids` or `count` is never
 * sensitive; its value is checked by the rules for values.
 *
 * A word without boundaries (`accountnumber`, `bankbalance`) is split only when it
 * consists *entirely* of words of the vocabulary. So `panel`, `costa`, `japan`,
 * `discard` and `spinner` pass, although they contain a sensitive word.
 */
export function isSensitiveKey(key: string): boolean {
  return readText(key).some((reading) => {
    const words = splitWords(separateCamelCase(reading));
    if (REFERENCE_ENDINGS.has(words.at(-1) ?? "")) return false;
    // A misplaced camelCase boundary (`pAssword`) must not hide a word.
    return [words, splitWords(reading)].some((split) =>
      hasSensitiveWord(split) || split.some((word) => isSensitiveRun(word, []))
    );
  });
}

function separateCamelCase(key: string): string {
  return key.replace(ACRONYM_PLURAL, "S").replace(CAMEL_CASE_BOUNDARY, " ");
}

function splitWords(key: string): string[] {
  return key.toLowerCase().split(BETWEEN_WORDS).filter(Boolean);
}

function hasSensitiveWord(words: readonly string[]): boolean {
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

/** The words whose plural `word` may be, itself included. */
function singularsOf(word: string): string[] {
  return [
    word,
    word.replace(/s$/, ""),
    word.replace(/es$/, ""),
    word.replace(/ies$/, "y"),
  ];
}

/** Whether `rest` splits into words of the vocabulary that, after `parts`, are sensitive. */
function isSensitiveRun(rest: string, parts: readonly string[]): boolean {
  if (rest === "") return parts.length > 1 && hasSensitiveWord(parts);
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
