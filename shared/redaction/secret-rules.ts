/** What kind of secret was found; also the word in the placeholder that replaces it. */
export type SecretKind =
  | "anthropic_api_key"
  | "openrouter_api_key"
  | "openai_api_key"
  | "google_api_key"
  | "aws_access_key_id"
  | "aws_secret_access_key"
  | "github_token"
  | "gitlab_token"
  | "slack_token"
  | "stripe_secret_key"
  | "huggingface_token"
  | "groq_api_key"
  | "xai_api_key"
  | "supabase_secret_key"
  | "supabase_access_token"
  | "webhook_secret"
  | "provider_api_key"
  | "jwt"
  | "private_key"
  | "connection_password"
  | "authorization"
  | "bearer_token"
  | "password"
  | "api_key"
  | "secret"
  | "token";

/** One way to recognise a secret. */
export interface SecretRule {
  readonly kind: SecretKind;
  /** Matches somewhere in every text that `redact` changes. */
  readonly pattern: RegExp;
  /**
   * `text` with each secret of this kind replaced by its placeholder, and
   * unchanged when there is none. Linear in the length of `text`, and unchanged
   * by a second call.
   */
  readonly redact: (text: string) => string;
}

/** A value that has been redacted before; the rules leave it alone. */
const PLACEHOLDER = "\\[redacted:[a-z_]+\\]";

/** What stands in place of a secret. */
function placeholderOf(kind: SecretKind): string {
  return `[redacted:${kind}]`;
}

/**
 * A rule that replaces what `pattern` (flag `g`) matches, except for its first
 * capturing group, which stands before the secret and is kept.
 */
function ruleOf(kind: SecretKind, pattern: RegExp): SecretRule {
  const placeholder = placeholderOf(kind);
  return {
    kind,
    pattern,
    redact: (text) =>
      text.replace(
        pattern,
        (_match, kept: string | number) =>
          typeof kept === "string" ? kept + placeholder : placeholder,
      ),
  };
}

/**
 * Keys that name their issuer in a prefix, in order: a more special prefix
 * before the one it starts with. Lengths are well under the real ones, so that a
 * key cut off by a log is still found.
 */
const PREFIXED_KEYS: readonly (readonly [SecretKind, string])[] = [
  ["anthropic_api_key", "sk-ant-[\\w-]{10,}"],
  ["openrouter_api_key", "sk-or-(?:v\\d+-)?[\\w-]{16,}"],
  ["openai_api_key", "sk-(?:proj|svcacct|admin|None)-[\\w-]{16,}"],
  ["provider_api_key", "sk-lf-[\\w-]{16,}"],
  // OpenAI's first form. Others issue it too (DeepSeek, LiteLLM); a name such as
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
  ["provider_api_key", "(?:pplx|nvapi|csk|tvly)-[\\w-]{20,}"],
  ["provider_api_key", "(?:r8|npm)_[A-Za-z0-9]{20,}"],
  ["provider_api_key", "SG\\.[\\w-]{16,}\\.[\\w-]{16,}"],
];

/** A prefix starts a word: `task-1234…` and `risk-…` do not hold an `sk-` key. */
const WORD_START = "(?<![A-Za-z0-9])";

/** Rules for keys and tokens that are recognised by their issuer's prefix. */
export const PROVIDER_KEY_RULES: readonly SecretRule[] = PREFIXED_KEYS.map(
  ([kind, shape]) => ruleOf(kind, new RegExp(WORD_START + shape, "g")),
);

const PEM_LABEL = "[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?";

/** A PEM private key (RFC 7468 and OpenSSH, PGP); without its END everything that follows belongs to it. */
const PRIVATE_KEY = new RegExp(
  `-----BEGIN ${PEM_LABEL}-----[^]*?(?:-----END ${PEM_LABEL}-----|$)`,
  "g",
);

/** At least two dots between base64url parts (RFC 7515 §3.1, RFC 7516 §3.1). */
const DOTTED_RUN = /(?<![\w-])[\w-]+(?:\.[\w-]*){2,}/g;

/** `{"` in base64url, at the start of a part or after what names the token: `ghs_123_eyJ…`. */
const JWT_HEADER = /(?<![A-Za-z0-9])eyJ[\w-]{5}/;

/** Bounds the search for the `@` that ends a password, in characters. */
const MAX_PASSWORD = 256;

/** Excludes a placeholder: a password redacted before, or masked by its sender. */
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

/** Rules for secrets that are recognised by how they are built. */
export const STRUCTURED_SECRET_RULES: readonly SecretRule[] = [
  ruleOf("private_key", PRIVATE_KEY),
  { kind: "jwt", pattern: JWT_HEADER, redact: redactJwts },
  ruleOf("connection_password", PASSWORD_IN_AUTHORITY),
  ruleOf("connection_password", PASSWORD_WITH_DELIMITER),
];

/**
 * A JWS or JWE ends at the end of its dotted run. The run is cut at its dots
 * before the header is looked for: a pattern for the whole token could start at
 * every `-` of a long part and would read the part once for each.
 */
function redactJwts(text: string): string {
  return text.replace(DOTTED_RUN, (run) => {
    const parts = run.split(".");
    const header = parts.findIndex((part, index) =>
      index + 2 < parts.length && parts[index + 1].length >= 2 &&
      JWT_HEADER.test(part)
    );
    if (header < 0) return run;
    const prefix = parts[header].slice(0, parts[header].search(JWT_HEADER));
    return [...parts.slice(0, header), prefix + placeholderOf("jwt")].join(".");
  });
}

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
