import {
  createRule,
  type OwnSecretKind,
  PLACEHOLDER,
  type SecretRule,
} from "./secret-rules.ts";

/**
 * Words that follow a label in prose: `password: must be at least…`,
 * `Authorization: failed for…`. A secret that equals one of them is not found.
 */
const PROSE = `
  an and any are at authentication be been but by can cannot changed did do does empty
  error expected expired failed failure false field for from had has have header
  in incorrect invalid is it length mask masked may maximum minimum mismatch
  missing must never nil no none not null number object of ok on only or
  provided redacted rejected rejects required reset rotated sent set should string success
  that the this to token too true type denied granted allowed forbidden undefined unexpected unknown unset
  unsupported use user updated valid value was were when will with without wrong yes you your
`.trim().split(/\s+/).join("|");

const NOT_PROSE = `(?!(?:${PROSE})(?:[\\s"'\`\\\\.,:;!?)}\\]]|$))`;

const ESCAPED_QUOTE = `\\\\{0,3}["'\`]`;
const SEPARATOR =
  `(?:_?\\d{1,2})?(?:${ESCAPED_QUOTE})?\\s{0,8}(?::=|=>|:(?!=)|=(?!>))\\s{0,8}`;

const NOT_MASKED_QUOTED =
  `(?!(?:${PLACEHOLDER}|\\*+)(?:["'\`\\\\\\r\\n]|$))${NOT_PROSE}`;

/** Quoted values: in JSON inside a JSON string, in double quotes, in single quotes. */
const QUOTED_VALUES = [
  [`\\\\{1,3}["']`, `[^"'\\\\\\r\\n]+`],
  [`"`, `(?=[^"\\r\\n])[^"\\\\\\r\\n]*(?:\\\\.[^"\\\\\\r\\n]*)*`],
  [`'`, `(?=[^'\\r\\n])[^'\\\\\\r\\n]*(?:\\\\.[^'\\\\\\r\\n]*)*`],
];

/** A bare value, up to a space or a delimiter; `{`, `[`, `<` and `>` do not start one. */
const BARE_VALUE = `(?!\\*+(?:[\\s"'&,;]|$))${NOT_PROSE}` +
  `[^\\s"'&,;{[<>\\\\][^\\s"'&,;]*`;

/** Labels whose value is always a secret. */
const LABELS: readonly (readonly [OwnSecretKind, string])[] = [
  ["aws_secret_access_key", "(?:aws[_. -]?)?secret[_. -]?access[_. -]?key"],
  ["password", "pass(?:word|wd|phrase|code)"],
  // A bare PWD is the shell's working directory, which is a path.
  ["password", "(?<![a-z])pwd(?![\\s\"'\\\\:=]{1,8}[/~.])"],
  [
    "api_key",
    "(?:api|access|account|auth|license|storage|private|encryption|signing|master|subscription|service[_-]?role)[_. -]?key",
  ],
  ["secret", "secret(?:[_. -]?key(?:_base)?)?"],
  [
    "token",
    "(?:(?:access|refresh|session|oauth|csrf|(?<![a-z])(?:auth|id|api|bot))[_. -]?token|connect\\.sid|(?:php|j)sess(?:ion)?id)",
  ],
];

/** `token: …` is common in parser errors, so the value must look like a token. */
const WEAK_TOKEN = new RegExp(
  `(token${SEPARATOR}(?:${ESCAPED_QUOTE})?)` +
    `(?=[\\w.~+/=-]{0,99}\\d)${NOT_PROSE}[\\w.~+/=-]{8,}`,
  "gi",
);

const AUTHORIZATION = `authorization${SEPARATOR}(?:${ESCAPED_QUOTE})?`;
const TOKEN_SCHEME = "(?:bearer|basic|token|api-?key|bot|key|negotiate|ntlm)";
const TOKEN = `[^\\s"'\`,;{[<>\\\\][^\\s"'\`,;\\\\]*`;

/** Schemes whose credentials are a list of parameters, to the end of the line. */
const PARAMETERS =
  "(?:digest|aws4-hmac-sha256|oauth|hawk|signature|hmac)\\s[^\\r\\n]*";

/** An unknown scheme is indistinguishable from a token, so both words are redacted. */
const UNKNOWN_SCHEME = `(?!${TOKEN_SCHEME}(?![\\w-]))${NOT_PROSE}` +
  `(?:[a-z-]+[ \\t]{1,8}(?=${TOKEN}))?${TOKEN}`;

/** A token has a digit or a minimum length, unlike `Bearer of bad news`. */
const BEARER =
  /((?<![a-z])bearer\s{1,8})(?=[\w.~+/=-]{0,99}\d|[\w.~+/=-]{32})[\w.~+/=-]{8,}/gi;

/** Words with letters and digits that name algorithms. */
const ALGORITHM =
  "(?:sha-?\\d+|md[45]|bcrypt\\d*|argon2\\w*|pbkdf2|base\\d+|utf-?\\d+|oauth2|x509|s3)";

/** A value of letters and digits, such as a password, unlike most words of prose. */
const MIXED_VALUE = `(?!${ALGORITHM}(?![\\w-]))(?=[^\\s"'\`,;]{0,63}\\d)` +
  `(?=[^\\s"'\`,;]{0,63}[a-z])(?!\\[redacted:)[^\\s"'\`,;:=]{6,}`;

/** `password hunter2`, `password is hunter2`, `pass: hunter2`. */
const PASSWORD_AND_VALUE =
  `((?<![a-z])(?:pass(?:word|wd|phrase|code)|pwd)(?:\\s{1,4}(?:(?:is|was)\\s{1,4})?|\\s{0,4}(?:[-=]?>|→|\\|)\\s{0,4})["'\`]?` +
  `|(?<![a-z])(?:creds?|credentials?|login)\\s{0,3}[:=]?\\s{1,3}["'\`]?[\\w.@-]{1,64}:` +
  `|(?<![a-z])(?:pass|pw|psw|psk)["'\`]?\\s{0,4}[:=]\\s{0,4}["'\`]?)${MIXED_VALUE}`;

/** `pass=letmein`, unlike `pass=12` of test results. */
const PASS_WITHOUT_SPACES =
  `((?<![a-z])pass=["'\`]?)${NOT_PROSE}(?=[^\\s"'&,;]{0,63}[a-z])(?!${PLACEHOLDER})[^\\s"'&,;]{5,}`;

/** An option of a command with its value in the next word: `--password hunter2`. */
const COMMAND_OPTION =
  `((?<![\\w-])--?(?:[a-z]+-)?(?:password|passwd|passphrase|pass|pwd|secret|token|api-?key|access-?key)[ \\t=]{1,4}["'\`]?)` +
  `${NOT_PROSE}(?!${PLACEHOLDER})[^\\s"'\`-][^\\s"'\`]*`;

/** `curl -u user:password`; digits on both sides are ids of a user and a group. */
const USER_OPTION = new RegExp(
  `((?<![\\w-])(?:-[uUa]|--user|--proxy-user|--auth)[ =]{0,4}["'\`]?[^\\s:"'\`[]{1,64}:)` +
    `(?!\\d+(?:[\\s"'\`]|$))(?!${PLACEHOLDER})[^\\s"'\`]{1,256}`,
  "g",
);

/** `mysql -psecret`, `sshpass -p secret`, `redis-cli -a secret`. */
const PASSWORD_OPTION = new RegExp(
  `((?<![\\w-])(?:(?:mysql|mariadb)[\\w-]{0,16}\\s(?:[^\\r\\n]{0,160}\\s)?-p|` +
    `(?:sshpass|docker login)\\s(?:[^\\r\\n]{0,160}\\s)?-p[ =]?|redis-cli\\s(?:[^\\r\\n]{0,160}\\s)?-a )["'\`]?)` +
    `(?!${PLACEHOLDER})[^\\s"'\`-][^\\s"'\`]{2,}`,
  "g",
);

/** A cookie is a list of names with values, to the end of the line. */
const COOKIE =
  `((?<![a-z])(?:set-)?cookie2?${SEPARATOR}(?:${ESCAPED_QUOTE})?)` +
  `(?=[\\w.%~-]{1,64}=)(?![\\w.%~-]{1,64}=${PLACEHOLDER})[^\\r\\n"'\\\\]+`;

/** A one-time password or PIN: 4 to 8 digits. */
const PASSCODE =
  `((?<![a-z])(?:pin|[th]?otp|2fa|passcode|one-time (?:code|password)` +
  `|(?:2fa|verification|your|login|sms|otp|authentication) code|pin code(?=\\W{1,6}(?:is\\W{1,3})?\\d{4}(?!\\d)))` +
  `(?:\\s{0,3}[:=#]\\s{0,3}|\\s{1,3}(?:is\\s{1,3})?)["'\`]?)\\d{4,8}(?![\\w.-])`;

/** `API key is a1b2c3d4`. */
const KEY_AND_VALUE =
  `((?:(?:api|access|auth|secret|private|refresh|session)[ _-]?(?:key|token)|client[ _-]?secret)` +
  `\\s{1,4}(?:(?:is|was)\\s{1,4})?["'\`]?)(?=[\\w.~+/=-]{0,63}\\d)(?=[\\w.~+/=-]{0,63}[a-z])[\\w.~+/=-]{8,}`;

/** Basic credentials without their header. */
const BASIC =
  /((?<![A-Za-z])[Bb]asic\s{1,8})(?=[A-Za-z0-9+/]{0,99}[a-z][A-Z])(?:[A-Za-z0-9+/]{4}){3,}(?:[A-Za-z0-9+/]{2,3}={1,2})?(?![\w+/])/g;

/** Rules for secrets that a label before them identifies. */
export const LABELLED_SECRET_RULES: readonly SecretRule[] = [
  createLabelRule("authorization", `(${AUTHORIZATION})${PARAMETERS}`),
  createRule("bearer_token", BEARER),
  createLabelRule(
    "authorization",
    `(${AUTHORIZATION}${TOKEN_SCHEME}\\s{1,8})${NOT_PROSE}${TOKEN}`,
  ),
  createLabelRule("authorization", `(${AUTHORIZATION})${UNKNOWN_SCHEME}`),
  createRule("authorization", BASIC),
  createLabelRule("cookie", COOKIE),
  ...LABELS.flatMap(([kind, label]) => [
    ...QUOTED_VALUES.map(([quote, value]) =>
      createLabelRule(
        kind,
        `(${label}${SEPARATOR}${quote})${NOT_MASKED_QUOTED}${value}`,
      )
    ),
    createLabelRule(kind, `(${label}${SEPARATOR})${BARE_VALUE}`),
  ]),
  createRule("token", WEAK_TOKEN),
  createLabelRule("password", PASSWORD_AND_VALUE),
  createLabelRule("password", PASS_WITHOUT_SPACES),
  createLabelRule("secret", COMMAND_OPTION),
  createRule("password", USER_OPTION),
  createRule("password", PASSWORD_OPTION),
  createLabelRule("passcode", PASSCODE),
  createLabelRule("api_key", KEY_AND_VALUE),
];

function createLabelRule(kind: OwnSecretKind, pattern: string): SecretRule {
  return createRule(kind, new RegExp(pattern, "gi"));
}
