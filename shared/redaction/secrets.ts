import {
  LABELLED_SECRET_RULES,
  PROVIDER_KEY_RULES,
  type SecretKind,
  type SecretRule,
  STRUCTURED_SECRET_RULES,
} from "./secret-rules.ts";

export type { SecretKind } from "./secret-rules.ts";

/** The most certain rules first, so that `api_key: sk-ant-…` is attributed to its issuer. */
const RULES: readonly SecretRule[] = [
  ...STRUCTURED_SECRET_RULES,
  ...PROVIDER_KEY_RULES,
  ...LABELLED_SECRET_RULES,
];

/**
 * The patterns of all rules in one per case sensitivity. Most texts have no secret, and
 * one search shows that several times faster than one per rule.
 */
const ANY_SECRET: readonly RegExp[] = [false, true].map((ignoreCase) =>
  new RegExp(
    RULES.filter(({ pattern }) => pattern.ignoreCase === ignoreCase)
      .map(({ pattern }) => `(?:${pattern.source})`).join("|"),
    ignoreCase ? "i" : "",
  )
);

/**
 * A replacement can shorten a text so that another rule matches, so the rules are
 * applied until nothing changes. Two rounds suffice except for contrived texts; the
 * limit keeps the time linear.
 */
const MAX_ROUNDS = 4;

/**
 * Replaces each secret in `text` by `[redacted:<kind>]`: provider keys, JWTs, PEM private
 * keys, passwords of connection strings, credentials after `Authorization:` or
 * `Bearer`, values after labels such as `password=` and `api_key:`. All other text is
 * kept, so that the message stays comprehensible.
 *
 * Idempotent; linear in the length of `text`. This catches mistakes: a secret that is
 * encoded, split or without a recognizable form is not found.
 */
export function redactSecrets(text: string): string {
  if (!mayHaveSecret(text)) return text;
  let redacted = text;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = redacted;
    redacted = RULES.reduce((rest, rule) => rule.redact(rest), before);
    if (redacted === before) break;
  }
  return redacted;
}

/**
 * The kind of the first secret that `redactSecrets` would replace, or null without one.
 * A placeholder is not a secret.
 */
export function findSecret(text: string): SecretKind | null {
  if (!mayHaveSecret(text)) return null;
  return RULES.find((rule) => rule.redact(text) !== text)?.kind ?? null;
}

function mayHaveSecret(text: string): boolean {
  return ANY_SECRET.some((pattern) => pattern.test(text));
}
