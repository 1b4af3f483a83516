import { ruleOf, type SecretKind, type SecretRule } from "./secret-rule.ts";

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
