import {
  COUNTED_TOKEN_WORDS,
  LONGEST_WORD,
  SENSITIVE_WORD_PAIRS,
  SENSITIVE_WORDS,
  VOCABULARY,
} from "./key-vocabulary.ts";
import { readText } from "./text-readings.ts";

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
