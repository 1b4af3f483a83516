/** Kinds of secrets; the placeholder of a redacted secret names the kind. */
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

/** A rule that recognizes secrets of one kind. */
export interface SecretRule {
  readonly kind: SecretKind;
  /** Matches somewhere in every text that `redact` changes. */
  readonly pattern: RegExp;
  /**
   * Replaces each secret of this rule in `text` by a placeholder. Idempotent; linear in
   * the length of `text`.
   */
  readonly redact: (text: string) => string;
}

/** A redacted value, which rules do not match. */
const PLACEHOLDER = "\\[redacted:[a-z_]+\\]";

/** The placeholder of a secret. */
function placeholderOf(kind: SecretKind): string {
  return `[redacted:${kind}]`;
}

/**
 * A rule that replaces the matches of `pattern` (flag `g`), except for the first
 * capturing group, which precedes the secret.
 */
function createRule(kind: SecretKind, pattern: RegExp): SecretRule {
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
 * Keys whose prefix identifies the issuer; a longer prefix precedes one that it starts
 * with. Lengths are well below the real ones, so that a key truncated by a log is still
 * found.
 */
const PREFIXED_KEYS: readonly (readonly [SecretKind, string])[] = [
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
  ["provider_api_key", "(?:pplx|nvapi|csk|tvly)-[\\w-]{20,}"],
  ["provider_api_key", "(?:r8|npm)_[A-Za-z0-9]{20,}"],
  ["provider_api_key", "SG\\.[\\w-]{16,}\\.[\\w-]{16,}"],
];

/** A prefix starts a word: `task-1234…` and `risk-…` have no `sk-` key. */
const WORD_START = "(?<![A-Za-z0-9])";

/** Rules for keys and tokens that the issuer's prefix identifies. */
export const PROVIDER_KEY_RULES: readonly SecretRule[] = PREFIXED_KEYS.map(
  ([kind, shape]) => createRule(kind, new RegExp(WORD_START + shape, "g")),
);

const PEM_LABEL = "[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?";

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
  { kind: "jwt", pattern: JWT_HEADER, redact: redactJwts },
  createRule("connection_password", PASSWORD_IN_AUTHORITY),
  createRule("connection_password", PASSWORD_WITH_DELIMITER),
];

/**
 * A JWS or JWE ends with its dotted run. The run is split at its dots before the search
 * for the header, to stay linear: a pattern for the whole token could start at every
 * `-` of a long part.
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
 * Words that follow a label in prose: `password: must be at least…`,
 * `Authorization: failed for…`. A secret that equals one of them is not found.
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

/** Rules for secrets that a label before them identifies. */
export const LABELLED_SECRET_RULES: readonly SecretRule[] = [
  createLabelRule("authorization", `(${AUTHORIZATION})${PARAMETERS}`),
  createRule("bearer_token", BEARER),
  createLabelRule(
    "authorization",
    `(${AUTHORIZATION}${TOKEN_SCHEME}\\s{1,8})${NOT_PROSE}${TOKEN}`,
  ),
  createLabelRule("authorization", `(${AUTHORIZATION})${UNKNOWN_SCHEME}`),
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
];

function createLabelRule(kind: SecretKind, pattern: string): SecretRule {
  return createRule(kind, new RegExp(pattern, "gi"));
}
