import { findSpans, type Span } from "./text.ts";

/** Kinds of secrets with rules of this project; the others are ids of rules of gitleaks. */
type OwnSecretKind =
  | "anthropic_api_key"
  | "openrouter_api_key"
  | "openai_api_key"
  | "google_api_key"
  | "google_access_token"
  | "aws_access_key_id"
  | "aws_secret_access_key"
  | "github_token"
  | "gitlab_token"
  | "slack_token"
  | "discord_token"
  | "telegram_token"
  | "stripe_secret_key"
  | "huggingface_token"
  | "groq_api_key"
  | "xai_api_key"
  | "supabase_secret_key"
  | "supabase_access_token"
  | "ledger_key"
  | "webhook_secret"
  | "webhook_url"
  | "provider_api_key"
  | "jwt"
  | "private_key"
  | "connection_password"
  | "url_signature"
  | "authorization"
  | "bearer_token"
  | "cookie"
  | "password"
  | "passcode"
  | "api_key"
  | "secret"
  | "token";

/**
 * The kind of a secret, which the placeholder of a redacted one names: a kind above, or the
 * id of a rule of gitleaks, such as `digitalocean_pat`.
 */
export type SecretKind = string;

/** A rule that recognizes secrets of one kind. */
export interface SecretRule {
  readonly kind: SecretKind;
  /** Matches somewhere in every text with a secret of this rule. */
  readonly pattern: RegExp;
  /** The secrets of this rule in `text`, without overlaps; linear in its length. */
  readonly find: (text: string) => Span[];
}

/** A redacted value, which rules do not match. */
const PLACEHOLDER = "\\[redacted:[a-z0-9_]+\\]";

/** The text that replaces a redacted value. */
export function placeholderOf(kind: string): string {
  return `[redacted:${kind}]`;
}

/**
 * A rule for the matches of `pattern` (flag `g`), except for the first capturing group,
 * which precedes the secret.
 */
function createRule(kind: OwnSecretKind, pattern: RegExp): SecretRule {
  const find = (text: string) =>
    Array.from(
      text.matchAll(pattern),
      ({ 0: match, 1: kept = "", index }) => ({
        start: index + kept.length,
        end: index + match.length,
      }),
    );
  return { kind, pattern, find };
}

/**
 * Keys that gitleaks has no rule for, or finds in full length only: lengths are well below
 * the real ones, so that a key truncated by a log is still found. A longer prefix precedes
 * one that it starts with.
 */
const PREFIXED_KEYS: readonly (readonly [OwnSecretKind, string])[] = [
  ["anthropic_api_key", "sk-ant-[\\w-]{10,}"],
  ["openrouter_api_key", "sk-or-(?:v\\d+-)?[\\w-]{16,}"],
  ["openai_api_key", "sk-(?:proj|svcacct|admin|None)-[\\w-]{16,}"],
  ["provider_api_key", "sk-lf-[\\w-]{16,}"],
  // OpenAI's first format, also of DeepSeek and LiteLLM; a name such as
  // `sk-learn-pipeline-v2` has no capital letter.
  ["openai_api_key", "sk-[A-Za-z0-9]{20,}[\\w-]*"],
  [
    "openai_api_key",
    "sk-(?=[\\w-]{0,99}[A-Z])(?=[\\w-]{0,99}[a-z])(?=[\\w-]{0,99}\\d)[\\w-]{20,}",
  ],
  ["google_api_key", "AIza[\\w-]{30,}"],
  ["google_api_key", "AQ\\.Ab[\\w-]{30,}"],
  ["aws_access_key_id", "A(?:KIA|SIA)[A-Z0-9]{16}(?![A-Za-z0-9])"],
  ["github_token", "gh[pousr]_[A-Za-z0-9_]{16,}"],
  ["github_token", "github_pat_[A-Za-z0-9_]{20,}"],
  ["gitlab_token", "glpat-[\\w-]{16,}"],
  ["slack_token", "xox[a-z]-[A-Za-z0-9-]{10,}"],
  ["slack_token", "xapp-[A-Za-z0-9-]{10,}"],
  ["stripe_secret_key", "[sr]k_(?:live|test)_[A-Za-z0-9]{10,}"],
  ["huggingface_token", "hf_[A-Za-z0-9]{20,}"],
  ["groq_api_key", "gsk_[A-Za-z0-9]{20,}"],
  ["xai_api_key", "xai-[A-Za-z0-9]{20,}"],
  ["supabase_secret_key", "sb_secret_[\\w-]{10,}"],
  ["supabase_access_token", "sbp_(?:oauth_|v\\d+_)?[A-Za-z0-9]{20,}"],
  ["webhook_secret", "whsec_[A-Za-z0-9+/=_-]{16,}"],
  ["ledger_key", "lfk_[\\w-]{10,}"],
  ["google_access_token", "ya29\\.[\\w-]{8,}"],
  ["google_access_token", "1//0[\\w-]{20,}"],
  ["google_api_key", "GOCSPX-[\\w-]{16,}"],
  ["discord_token", "[MNO][A-Za-z0-9]{22,27}\\.[\\w-]{6}\\.[\\w-]{20,}"],
  ["telegram_token", "(?:bot)?\\d{6,12}:A[\\w-]{30,}"],
  [
    "provider_api_key",
    "(?:pplx|nvapi|csk|tvly|tskey|dckr_pat|figd)[-_][\\w-]{20,}",
  ],
  [
    "provider_api_key",
    "(?:r8|npm|e2b|phx|nfp|rnd|sgp|CCIPAT|fw|cf[au]t|vcp|vercel)_[A-Za-z0-9]{20,}",
  ],
  [
    "provider_api_key",
    "(?:lsv2_(?:pt|sk)|pcsk|apify_api|secret|bkua)_[A-Za-z0-9]{20,}[\\w-]*",
  ],
  ["provider_api_key", "re_[A-Za-z0-9]{6,12}_[A-Za-z0-9]{16,}"],
  ["provider_api_key", "AT(?:ATT3|CTT3|BB)[\\w=-]{16,}"],
  ["provider_api_key", "SG\\.[\\w-]{16,}\\.[\\w-]{16,}"],
];

/** A prefix starts a word: `task-1234…` and `risk-…` have no `sk-` key. */
const WORD_START = "(?<![A-Za-z0-9])";

/** Rules for keys and tokens that the issuer's prefix identifies. */
export const PROVIDER_KEY_RULES: readonly SecretRule[] = PREFIXED_KEYS.map(
  ([kind, shape]) => createRule(kind, new RegExp(WORD_START + shape, "g")),
);

const PEM_LABEL = "[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?";

const HOOK_HOSTS = [
  "hooks\\.slack\\.com/(?:services|workflows|triggers)/[\\w/+-]{8,}",
  "(?:\\w{1,10}\\.)?discord(?:app)?\\.com/api/(?:v\\d{1,2}/)?webhooks/\\d{1,20}/[\\w-]{8,}",
  "[\\w-]{1,63}\\.webhook\\.office\\.com/webhookb2/[\\w@/-]{20,}",
  "outlook\\.office(?:365)?\\.com/webhook/[\\w@/-]{10,}",
  "hooks\\.zapier\\.com/hooks/catch/\\d{1,12}/\\w{4,}",
  "hook\\.\\w{2,4}\\.make\\.com/\\w{16,}",
  "maker\\.ifttt\\.com/trigger/\\w{1,64}/(?:json/)?with/key/[\\w-]{8,}",
];

/** Addresses that authorize each caller who knows them, from the host to the end. */
const WEBHOOK_URL = new RegExp(
  `(?<![A-Za-z0-9])(?:${HOOK_HOSTS.join("|")})`,
  "g",
);

/** Parameters of a URL that are secrets, whatever their value is. */
const SECRET_PARAMETERS =
  "sig|signature|token|api-?key|secret|credential|password|passwd|pwd|pass|hmac|jwt|sas|x-(?:amz|goog)-(?:signature|credential|security-token)";

/** Parameters that are also names of states and pages. */
const AMBIGUOUS_PARAMETERS = "key|code|auth|sid|session";

const PARAMETER_START = "[?&](?:amp;)?|\\\\u0026";

const URL_SIGNATURE = new RegExp(
  `((?:${PARAMETER_START})(?:[\\w-]{0,32}[_-])?(?:(?:${SECRET_PARAMETERS})=(?=[^\\s&]{6})` +
    `|(?:${AMBIGUOUS_PARAMETERS})=(?=[\\w.~+/%=-]{0,99}\\d)(?=[\\w.~+/%=-]{12})))` +
    `(?!${PLACEHOLDER})[^\\s&"'\`<>]+`,
  "gi",
);

/** A PEM private key (RFC 7468, OpenSSH, PGP); without END it extends to the end of the text. */
const PRIVATE_KEY = new RegExp(
  `-----BEGIN ${PEM_LABEL}-----[^]*?(?:-----END ${PEM_LABEL}-----|$)`,
  "g",
);

/** At least two dots between base64url parts (RFC 7515 §3.1, RFC 7516 §3.1). */
const DOTTED_RUN = /(?<![\w-])[\w-]+(?:\.[\w-]*){2,}/g;

/** `{"` in base64url, at the start of a part or after a prefix: `ghs_123_eyJ…`. */
const JWT_HEADER = /(?<![A-Za-z0-9])eyJ[\w-]{5}/;

/** Characters to search for the `@` that ends a password. */
const MAX_PASSWORD = 256;

/** Excludes a password that is redacted, or masked by its sender. */
const NOT_MASKED = `(?!(?:${PLACEHOLDER}|\\*+)@)`;

/** Up to the last `@` before the path. No user name starts with `[`, as an IPv6 address and a placeholder do. */
const PASSWORD_IN_AUTHORITY = new RegExp(
  `([A-Za-z0-9+.-]:\\/\\/[^\\s:/?#["'<>]{0,${MAX_PASSWORD}}:)${NOT_MASKED}` +
    `[^\\s/?#"'<>]{1,${MAX_PASSWORD}}(?=@)`,
  "g",
);

/** A password with an unescaped `/`, `?` or `#`: up to the first `@`. Digits and a `/` are a port. */
const PASSWORD_WITH_DELIMITER = new RegExp(
  `([A-Za-z0-9+.-]:\\/\\/[^\\s:/?#@"'<>[]{0,${MAX_PASSWORD}}:)` +
    `(?!\\d{1,5}[/?#])${NOT_MASKED}[^\\s@"'<>]{1,${MAX_PASSWORD}}(?=@)`,
  "g",
);

/** Rules for secrets that their structure identifies. */
export const STRUCTURED_SECRET_RULES: readonly SecretRule[] = [
  createRule("private_key", PRIVATE_KEY),
  { kind: "jwt", pattern: JWT_HEADER, find: findJwts },
  createRule("connection_password", PASSWORD_IN_AUTHORITY),
  createRule("connection_password", PASSWORD_WITH_DELIMITER),
  createRule("webhook_url", WEBHOOK_URL),
  createRule("url_signature", URL_SIGNATURE),
];

/**
 * A JWS or JWE ends with its dotted run. The run is split at its dots before the search
 * for the header, to stay linear: a pattern for the whole token could start at every
 * `-` of a long part.
 */
function findJwts(text: string): Span[] {
  return findSpans(text, DOTTED_RUN).flatMap(({ start, end }) => {
    const parts = text.slice(start, end).split(".");
    const header = parts.findIndex((part, index) =>
      index + 2 < parts.length && parts[index + 1].length >= 2 &&
      JWT_HEADER.test(part)
    );
    if (header < 0) return [];
    const before = parts.slice(0, header).map((part) => part.length + 1)
      .reduce((sum, length) => sum + length, 0);
    const jwt = start + before + parts[header].search(JWT_HEADER);
    return [{ start: jwt, end }];
  });
}

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

/** \`curl -u user:password\`; digits on both sides are ids of a user and a group. */
const USER_OPTION = new RegExp(
  `((?<![\\w-])(?:-[uUa]|--user|--proxy-user|--auth)[ =]{0,4}["'\`]?[^\\s:"'\`[]{1,64}:)` +
    `(?!\\d+(?:[\\s"'\`]|$))(?!${PLACEHOLDER})[^\\s"'\`]{1,256}`,
  "g",
);

/** \`mysql -psecret\`, \`sshpass -p secret\`, \`redis-cli -a secret\`. */
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

/** \`API key is a1b2c3d4\`. */
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
