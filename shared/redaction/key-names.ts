import { readText } from "./text.ts";

/** Words for quantities of money, which have no id of their own. */
const QUANTITIES = `
  amount amt balance cost salary wage income revenue turnover profit loss money cash
  cent penny pence paise paisa
  usd eur gbp inr jpy chf cny aud cad sgd aed
  dollar euro rupee lakh crore`;

/** Words for payments and other things with an amount of money, which can have an id. */
const PAYMENTS = `
  price fee tax gst vat debit credit payment payout subtotal expense dividend
  refund deposit withdrawal loan payroll earning bonus commission stipend allowance
  surcharge royalty arrear`;

/** Words for accounts, identities and credentials. */
const CREDENTIALS = `
  iban swift bic ifsc upi pan aadhaar aadhar ssn gstin card cvv cvc
  pin otp password passwd passphrase passcode pwd secret token credential
  authorization bearer cookie jwt`;

/** Pairs of adjacent words that name money. */
const MONEY_PAIRS = `
  invoice+total order+total grand+total cart+total basket+total bill+total
  payment+total net+total gross+total sub+total total+due total+net total+gross net+worth net+pay gross+pay
  hourly+rate daily+rate day+rate weekly+rate monthly+rate annual+rate pay+rate
  billing+rate interest+rate exchange+rate tax+rate
  credit+limit credit+score annual+budget monthly+budget total+budget
  minor+unit service+charge order+value deal+value contract+value invoice+value
  market+value book+value`;

/** Pairs of adjacent words that name an account or a credential. */
const CREDENTIAL_PAIRS = `
  account+number account+no account+num acct+number acct+no acct+num
  account+details bank+account bank+details routing+number routing+no sort+code
  api+key access+key secret+key private+key encryption+key signing+key master+key auth+key
  ssh+key security+code tax+id national+id`;

/** Keys that name an amount if their value is a number, and something else otherwise. */
const AMBIGUOUS = `
  total sum due paid budget net gross pay rent tip mrr arr ebitda interest
  principal premium emi mrp payable receivable outstanding profitandloss`;

/** Words after a noun of money that describe the amount (`amount_due`, `price_max`). */
const AMOUNT_DETAILS = `
  value total sum due paid net gross min max minimum maximum avg average median
  old new current previous prev last first final opening closing remaining
  outstanding payable available pending estimated actual expected minor range delta
  difference diff text string str raw formatted display number num no
  annual yearly monthly weekly daily hourly quarterly`;

/** Words after a noun of an account or a credential that describe the same value. */
const CREDENTIAL_DETAILS = `
  number num no nr code value text string str raw plain plaintext hash digest
  encrypted encoded base64 new old current previous confirmation confirm repeat
  last first holder expiry exp digits details data`;

/** Prepositions: the noun before one is the head of `amount_in_gbp` and `price_per_unit`. */
const PREPOSITIONS =
  "of in per for by at from to before after on with without excluding including incl excl";

/** Last words of a key that is a count, a time or a person (`payment_at`, `refund_by`). */
const PLAIN_ENDINGS: ReadonlySet<string> = new Set(["count", "at", "on", "by"]);

/** Words that are not sensitive, but occur with sensitive ones in keys without boundaries. */
const QUALIFIERS = `
  account acct admin annual app approved auth available average avg bank base
  basic billed client closing code credit current customer daily data db default
  due employee encryption final firm gross holder hourly input invoice key last
  list master max min monthly my name net new no num number old opening order
  output paid private refresh remaining root routing sale security selling service
  session signing sort ssh total type unit user value vendor wallet webhook yearly
  access api details grand pay worth rate interest exchange`;

function words(list: string): Set<string> {
  return new Set(list.trim().split(/\s+/));
}

const QUANTITY_WORDS = words(QUANTITIES);
const MONEY_WORDS = new Set([...QUANTITY_WORDS, ...words(PAYMENTS)]);
const CREDENTIAL_WORDS = words(CREDENTIALS);

/** The sensitive words, in the singular. */
export const SENSITIVE_WORDS: ReadonlySet<string> = new Set([
  ...MONEY_WORDS,
  ...CREDENTIAL_WORDS,
]);

const MONEY_WORD_PAIRS = words(MONEY_PAIRS);
const CREDENTIAL_WORD_PAIRS = words(CREDENTIAL_PAIRS);
const AMBIGUOUS_WORDS = words(AMBIGUOUS);
const AMOUNT_DETAIL_WORDS = words(AMOUNT_DETAILS);
const CREDENTIAL_DETAIL_WORDS = words(CREDENTIAL_DETAILS);
const PREPOSITION_WORDS = words(PREPOSITIONS);

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

/** Last words of a key that is a reference. */
const REFERENCE_ENDINGS: ReadonlySet<string> = new Set(["id", "ids"]);

/**
 * The meaning of a key:
 *
 * - `money`, `credential`: its value does not belong in metadata of references and
 *   counts (`total_amount`, `accountNumber`, `api-key`);
 * - `amount`: a number under it is an amount of money, and other values are acceptable
 *   (`total`, `amount_id`);
 * - `plain`: everything else.
 */
export type KeyMeaning = "money" | "credential" | "amount" | "plain";

/**
 * Classifies a key by its head noun. The key is split into words at everything but letters
 * and at camelCase boundaries. The head is the last word that neither follows a preposition
 * nor describes a value (`max`, `due`, `number`): `amount` in `amount_in_gbp` and
 * `amountDue`, but `column` in `amount_column`. Singular and plural are the same, except
 * for `tokens`, which is a count.
 *
 * A key that ends in `id`, `ids` or `count` is a reference or a count, and its value is
 * checked by the rules for values. A quantity such as an amount or a salary has no id of
 * its own, so that a number under `amount_id` is the amount.
 *
 * A word without boundaries (`accountnumber`, `bankbalance`) is split only when it
 * consists *entirely* of words of the vocabulary. So `panel`, `costa`, `japan`,
 * `discard` and `spinner` are plain, although they contain a sensitive word.
 */
export function classifyKey(key: string): KeyMeaning {
  const meanings = readText(key).flatMap(({ text }) => {
    const words = splitWords(separateCamelCase(text));
    // A misplaced camelCase boundary (`pAssword`) must not hide a word.
    return [classifyWords(words), classifyWords(splitWords(text))];
  });
  return meanings.find((meaning) =>
    meaning === "money" || meaning === "credential"
  ) ?? meanings.find((meaning) => meaning !== "plain") ?? "plain";
}

/** Whether `key` names money, an account, an identity or a credential, whatever its value is. */
export function isSensitiveKey(key: string): boolean {
  const meaning = classifyKey(key);
  return meaning === "money" || meaning === "credential";
}

function separateCamelCase(key: string): string {
  return key.replace(ACRONYM_PLURAL, "S").replace(CAMEL_CASE_BOUNDARY, " ");
}

/** The name of a statement, not of an amount. */
const PROFIT_AND_LOSS = /profit\P{L}*and\P{L}*loss/u;

function splitWords(key: string): string[] {
  return key.toLowerCase().replace(PROFIT_AND_LOSS, "profitandloss").split(
    BETWEEN_WORDS,
  ).filter(Boolean);
}

function classifyWords(words: readonly string[]): KeyMeaning {
  const last = words.at(-1) ?? "";
  if (PLAIN_ENDINGS.has(last)) return "plain";
  if (REFERENCE_ENDINGS.has(last)) {
    return isQuantity(words.slice(0, -1)) ? "amount" : "plain";
  }
  if (words.length === 1 && isOneOf(AMBIGUOUS_WORDS, last)) return "amount";
  return findHeadMeaning(words) ?? "plain";
}

function isQuantity(words: readonly string[]): boolean {
  const last = words.at(-1) ?? "";
  return isOneOf(QUANTITY_WORDS, last) || last === "total" ||
    splitRun(last).some((parts) => isQuantity([parts.at(-1)!]));
}

/** The meaning of the head noun of a key; undefined for a plain one. */
function findHeadMeaning(
  words: readonly string[],
): "money" | "credential" | undefined {
  const preposition = words.findIndex((word, index) =>
    index > 0 && PREPOSITION_WORDS.has(word)
  );
  const phrase = preposition < 0 ? words : words.slice(0, preposition);
  return readPhrase(phrase) ??
    // The head of a run of words: `customer_accountnumber`.
    splitRun(phrase.at(-1) ?? "").map(readPhrase).find(Boolean);
}

/** The meaning of the last sensitive word or pair, if only words of details follow. */
function readPhrase(
  words: readonly string[],
): "money" | "credential" | undefined {
  let isAmount = true;
  let isCredential = true;
  for (let index = words.length - 1; index >= 0; index--) {
    const [before = "", word] = [words[index - 1], words[index]];
    if (isAmount && isMoney(before, word)) return "money";
    if (isCredential && isCredentialNoun(before, word)) return "credential";
    isAmount &&= AMOUNT_DETAIL_WORDS.has(word);
    isCredential &&= CREDENTIAL_DETAIL_WORDS.has(word);
    if (!isAmount && !isCredential) return undefined;
  }
  return undefined;
}

function isMoney(before: string, word: string): boolean {
  return isOneOf(MONEY_WORDS, word) || isPair(MONEY_WORD_PAIRS, before, word);
}

function isCredentialNoun(before: string, word: string): boolean {
  return word !== "tokens" && isOneOf(CREDENTIAL_WORDS, word) ||
    isPair(CREDENTIAL_WORD_PAIRS, before, word);
}

function isOneOf(set: ReadonlySet<string>, word: string): boolean {
  return singularsOf(word).some((singular) => set.has(singular));
}

function isPair(
  pairs: ReadonlySet<string>,
  before: string,
  word: string,
): boolean {
  return singularsOf(before).some((first) =>
    singularsOf(word).some((second) => pairs.has(`${first}+${second}`))
  );
}

/** The words whose plural `word` may be, itself included. */
function singularsOf(word: string): string[] {
  return word.endsWith("s")
    ? [
      word,
      word.replace(/s$/, ""),
      word.replace(/es$/, ""),
      word.replace(/ies$/, "y"),
    ]
    : [word];
}

/** The ways to split a run of letters entirely into two words of the vocabulary or more. */
function splitRun(run: string): string[][] {
  const found: string[][] = [];
  collectSplits(run, [], found);
  return found;
}

function collectSplits(
  rest: string,
  parts: readonly string[],
  found: string[][],
): void {
  if (rest === "") {
    if (parts.length > 1) found.push([...parts]);
    return;
  }
  if (parts.length === MAX_PARTS) return;
  for (let end = Math.min(rest.length, LONGEST_PART); end > 0; end--) {
    const part = rest.slice(0, end);
    // Only the last part may be a plural, or `namespan` would be `names` and `pan`.
    const forms = end === rest.length ? singularsOf(part) : [part];
    if (forms.some((form) => VOCABULARY.has(form))) {
      collectSplits(rest.slice(end), [...parts, part], found);
    }
  }
}
