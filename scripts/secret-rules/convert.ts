/** Converts rules of gitleaks from RE2 to JavaScript. */
import { StackError } from "../../local/stack-error.ts";
import type { GitleaksRule } from "../../shared/redaction/gitleaks-rules.ts";

/** A rule of gitleaks.toml. */
export interface UpstreamRule {
  id: string;
  regex?: string;
  keywords: string[];
  entropy?: number;
  /** A rule for files of a path only. */
  path?: string;
}

/** Rules that are left out, by reason. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  "generic-api-key": "is noisy; labels replace it",
  "curl-auth-header": "has no bound; the rules for Authorization replace it",
  "curl-auth-user": "has no bound; the rule for -u replaces it",
  "jwt": "the rule of secret-rules.ts also finds JWEs and truncated tokens",
  "jwt-base64": "is encoded",
  "private-key": "the rule of secret-rules.ts also finds truncated keys",
  "kubernetes-secret-yaml": "is for files",
  "sidekiq-sensitive-url": "the rule for passwords of URLs finds it",
  "sourcegraph-access-token": "matches every SHA-1 next to the name",
  "flutterwave-public-key": "is public",
  "lob-pub-api-key": "is public",
  "mailgun-pub-key": "is public",
};

/**
 * Rules for a value after the provider's name whose value has a form of its own: id →
 * text in every value, in lower case. The values of all other such rules are plain hex or
 * letters, like most ids and hashes, and are left out: labels find
 * them (`labelled-secret-rules.ts`).
 */
const VALUES_WITH_FORM: Readonly<Record<string, string>> = {
  "atlassian-api-token": "atatt3",
  "defined-networking-api-token": "dnkey-",
  "dropbox-short-lived-api-token": "sl.",
  "mailgun-private-api-token": "key-",
  "mapbox-api-token": "pk.",
  "new-relic-browser-api-token": "nrjs-",
  "new-relic-insert-key": "nrii-",
  "new-relic-user-api-key": "nrak-",
  "plaid-api-token": "access-",
  "telegram-bot-api-token": ":a",
  "twitter-bearer-token": "aaaaaaaaaaaaaaaaaaaaaa",
  "typeform-api-token": "tfp_",
  "yandex-api-key": "aqvn",
};

/** What a rule for a value after the provider's name has before the value. */
const NAME_AND_SEPARATOR = String
  .raw`(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)[\x60'"\s=]{0,5}`;

/** Delimiters that RE2 consumes, because it has no look-around. */
const DELIMITERS: readonly (readonly [string, string])[] = [
  [String.raw`(?:[\x60'"\s;]|\\[nr]|$|\b)`, String.raw`(?![\w-])`],
  [String.raw`(?:[\x60'"\s;]|\\[nr]|$)`, String.raw`(?![\w-])`],
  [String.raw`(?:[^\w-]|\z)`, String.raw`(?![\w-])`],
  [String.raw`(?:[^a-zA-Z0-9+/]|\z)`, "(?![a-zA-Z0-9+/])"],
  [String.raw`(?:$|[\\'"\x60\s<),])`, String.raw`(?![\w~.-])`],
  [String.raw`(?:^|[\\'"\x60\s>=:(,)])`, String.raw`(?<![\w~.-])`],
];

/** RE2 syntax → JavaScript; flags within a pattern become flags of the whole. */
const SYNTAX: readonly (readonly [RegExp, string])[] = [
  [/\[:alnum:\]/g, "a-zA-Z0-9"],
  [/\(\?i\)/g, ""],
  [/\(\?-?i:/g, "(?:"],
  [/\(\?P<\w+>/g, "(?:"],
  [/\\z/g, "$"],
];

/** A prefix starts a word; `_` may precede it. */
const WORD_START = "(?<![A-Za-z0-9])";

/** Converts the rules whose matches have a form of their own. */
export function convertRules(rules: readonly UpstreamRule[]): GitleaksRule[] {
  return rules.filter(isUsable).map(convertRule);
}

function isUsable({ id, regex, path }: UpstreamRule): boolean {
  if (regex === undefined || path !== undefined || id in LEFT_OUT) return false;
  return !regex.includes(NAME_AND_SEPARATOR) || id in VALUES_WITH_FORM;
}

/** @throws {StackError} if the pattern is not valid in JavaScript. */
function convertRule(
  { id, regex, keywords, entropy }: UpstreamRule,
): GitleaksRule {
  const isCaseless = /\(\?i[):]/.test(regex!);
  let pattern = regex!;
  if (id in VALUES_WITH_FORM) {
    const value = pattern.indexOf(NAME_AND_SEPARATOR) +
      NAME_AND_SEPARATOR.length;
    pattern = id === "atlassian-api-token"
      ? pattern.slice(pattern.indexOf("|\\b(ATATT3") + 1)
      : pattern.slice(value);
  }
  for (const [delimiter, lookAround] of DELIMITERS) {
    pattern = pattern.replaceAll(delimiter, lookAround);
  }
  for (const [re2, javaScript] of SYNTAX) {
    pattern = pattern.replace(re2, javaScript);
  }
  pattern = pattern.replace(/^\\b/, "");
  if (!pattern.startsWith("(?<!")) pattern = `${WORD_START}(?:${pattern})`;
  const flags = isCaseless ? "gi" : "g";
  try {
    new RegExp(pattern, flags);
  } catch (error) {
    throw new StackError(
      `Cannot convert the rule ${id} of gitleaks: ${
        (error as Error).message
      }; leave it out in scripts/secret-rules/convert.ts`,
    );
  }
  const texts = id in VALUES_WITH_FORM ? [VALUES_WITH_FORM[id]] : keywords;
  return [id, texts, pattern, flags, entropy ?? 0, readPrefix(pattern)];
}

/** Shorter prefixes also begin ordinary names. */
const MIN_PREFIX = 4;

/** Prefixes that also begin names of versions, keys and icons. */
const ORDINARY_PREFIXES = new Set([
  "v1.0-",
  "key-",
  "API-",
  "access-",
  "ico-",
  "ops_",
]);

/**
 * The literal that a pattern begins with, up to its last `_`, `-`, `.` or digit, with which
 * prefixes of tokens end; "" for a short or ordinary one.
 */
function readPrefix(pattern: string): string {
  const [, literal = ""] =
    /^\(\?<![^)]*\)[(?:]*((?:[\w-]|\\[.-])+)(?=\[|\(|\\w)/.exec(pattern) ?? [];
  const [prefix] = /^.*[_.\d-]/.exec(literal.replaceAll("\\", "")) ?? [""];
  return prefix.length >= MIN_PREFIX && !ORDINARY_PREFIXES.has(prefix)
    ? prefix
    : "";
}
