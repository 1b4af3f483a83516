import { findSpans, type Span } from "./text.ts";

/** Kinds of secrets with rules of this project; the others are ids of rules of gitleaks. */
export type OwnSecretKind =
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
export const PLACEHOLDER = "\\[redacted:[a-z0-9_]+\\]";

/** The text that replaces a redacted value. */
export function placeholderOf(kind: string): string {
  return `[redacted:${kind}]`;
}

/**
 * A rule for the matches of `pattern` (flag `g`), except for the first capturing group,
 * which precedes the secret.
 */
export function createRule(kind: OwnSecretKind, pattern: RegExp): SecretRule {
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
  // The signing key of a checkpoint (C2SP signed-note).
  [
    "ledger_key",
    "PRIVATE\\+KEY\\+[^+\\s]{1,128}\\+[0-9a-f]{8}\\+[\\w+/=]{20,}",
  ],
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
  createRule("private_key", /PuTTY-User-Key-File-\d[^]*/g),
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
