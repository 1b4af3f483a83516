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
export const PLACEHOLDER = "\\[redacted:[a-z_]+\\]";

/** What stands in place of a secret. */
export function placeholderOf(kind: SecretKind): string {
  return `[redacted:${kind}]`;
}

/**
 * A rule that replaces what `pattern` (flag `g`) matches, except for its first
 * capturing group, which stands before the secret and is kept.
 */
export function ruleOf(kind: SecretKind, pattern: RegExp): SecretRule {
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
