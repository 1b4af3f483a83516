import {
  PLACEHOLDER,
  ruleOf,
  type SecretKind,
  type SecretRule,
} from "./secret-rule.ts";

/**
 * Words that follow a label in a sentence: `password: must be at least…`,
 * `Authorization: failed for…`. A secret that is one of them is not found.
 */
const PROSE = `
  an and any are at authentication be been but by can cannot changed did do does empty
  error expected expired failed failure false field for from had has have header
  in incorrect invalid is it length mask masked may maximum minimum mismatch
  missing must never nil no none not null number object of ok on only or
  provided redacted rejected rejects required reset rotated sent set should string success
  that the this to token too true type undefined unexpected unknown unset
  unsupported use user updated valid value was were when will with without wrong yes you your
`.trim().split(/\s+/).join("|");

const NOT_PROSE = `(?!(?:${PROSE})(?:[\\s"'\`\\\\.,:;!?)}\\]]|$))`;

const ESCAPED_QUOTE = `\\\\{0,3}["'\`]`;
const SEPARATOR =
  `(?:_?\\d{1,2})?(?:${ESCAPED_QUOTE})?\\s{0,8}(?::=|=>|:(?!=)|=(?!>))\\s{0,8}`;

const NOT_MASKED_QUOTED =
  `(?!(?:${PLACEHOLDER}|\\*+)(?:["'\`\\\\\\r\\n]|$))${NOT_PROSE}`;

/** The content of a string: quoted in JSON inside a JSON string, in double or in single quotes. */
const QUOTED_VALUES = [
  [`\\\\{1,3}["']`, `[^"'\\\\\\r\\n]+`],
  [`"`, `(?=[^"\\r\\n])[^"\\\\\\r\\n]*(?:\\\\.[^"\\\\\\r\\n]*)*`],
  [`'`, `(?=[^'\\r\\n])[^'\\\\\\r\\n]*(?:\\\\.[^'\\\\\\r\\n]*)*`],
];

/** Up to a space or a delimiter; `{`, `[`, `<` and `>` start something that is not a value. */
const BARE_VALUE = `(?!\\*+(?:[\\s"'&,;]|$))${NOT_PROSE}` +
  `[^\\s"'&,;{[<>\\\\][^\\s"'&,;]*`;

/** Labels whose value is a secret whatever it looks like. */
const LABELS: readonly (readonly [SecretKind, string])[] = [
  ["aws_secret_access_key", "(?:aws[_. -]?)?secret[_. -]?access[_. -]?key"],
  ["password", "pass(?:word|wd|phrase|code)"],
  // A bare PWD is the shell's working directory, which is a path.
  ["password", "(?<![a-z])pwd(?![\\s\"'\\\\:=]{1,8}[/~.])"],
  [
    "api_key",
    "(?:api|access|private|encryption|signing|master|subscription|service[_-]?role)[_. -]?key",
  ],
  ["secret", "secret(?:[_. -]?key(?:_base)?)?"],
  [
    "token",
    "(?:access|refresh|session|oauth|csrf|(?<![a-z])(?:auth|id|api|bot))[_. -]?token",
  ],
];

/** `token: …` is common in parser errors, so its value has to look like one. */
const WEAK_TOKEN = new RegExp(
  `(token${SEPARATOR}(?:${ESCAPED_QUOTE})?)` +
    `(?=[\\w.~+/=-]{0,99}\\d)${NOT_PROSE}[\\w.~+/=-]{8,}`,
  "gi",
);

const AUTHORIZATION = `authorization${SEPARATOR}(?:${ESCAPED_QUOTE})?`;
const TOKEN_SCHEME = "(?:bearer|basic|token|api-?key|bot|key|negotiate|ntlm)";
const TOKEN = `[^\\s"'\`,;{[<>\\\\][^\\s"'\`,;\\\\]*`;

/** Schemes whose credentials are a list of parameters: the rest of the line. */
const PARAMETERS =
  "(?:digest|aws4-hmac-sha256|oauth|hawk|signature|hmac)\\s[^\\r\\n]*";

/** An unknown scheme cannot be told from a token, so both words go. */
const UNKNOWN_SCHEME = `(?!${TOKEN_SCHEME}(?![\\w-]))${NOT_PROSE}` +
  `(?:[a-z-]+[ \\t]{1,8}(?=${TOKEN}))?${TOKEN}`;

/** `Bearer of bad news` has no digit and no length. */
const BEARER =
  /((?<![a-z])bearer\s{1,8})(?=[\w.~+/=-]{0,99}\d|[\w.~+/=-]{32})[\w.~+/=-]{8,}/gi;

/** Rules for secrets that are recognised by the label in front of them. */
export const LABELLED_SECRET_RULES: readonly SecretRule[] = [
  rule("authorization", `(${AUTHORIZATION})${PARAMETERS}`),
  ruleOf("bearer_token", BEARER),
  rule(
    "authorization",
    `(${AUTHORIZATION}${TOKEN_SCHEME}\\s{1,8})${NOT_PROSE}${TOKEN}`,
  ),
  rule("authorization", `(${AUTHORIZATION})${UNKNOWN_SCHEME}`),
  ...LABELS.flatMap(([kind, label]) => [
    ...QUOTED_VALUES.map(([quote, value]) =>
      rule(kind, `(${label}${SEPARATOR}${quote})${NOT_MASKED_QUOTED}${value}`)
    ),
    rule(kind, `(${label}${SEPARATOR})${BARE_VALUE}`),
  ]),
  ruleOf("token", WEAK_TOKEN),
];

function rule(kind: SecretKind, pattern: string): SecretRule {
  return ruleOf(kind, new RegExp(pattern, "gi"));
}
