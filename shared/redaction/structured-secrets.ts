import {
  PLACEHOLDER,
  placeholderOf,
  ruleOf,
  type SecretRule,
} from "./secret-rule.ts";

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
