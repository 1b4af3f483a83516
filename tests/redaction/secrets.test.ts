import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LABELLED_SECRET_RULES } from "../../shared/redaction/labelled-secret-rules.ts";
import {
  PROVIDER_KEY_RULES,
  STRUCTURED_SECRET_RULES,
} from "../../shared/redaction/secret-rules.ts";
import { readText } from "../../shared/redaction/text.ts";
import { findSecret, redactSecrets } from "../../shared/redaction/secrets.ts";

/** Bodies are joined to prefixes here, so that no scanner takes this file for a leak. */
const ALNUM = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3hJ6kL9nP2rS5tV8xA1z";
const HEX = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
const UPPER = "Q7RZ2KXW5TNB4VJH";

function key(prefix: string, length = 40): string {
  return prefix + ALNUM.slice(0, length);
}

const JWT = [
  "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9",
  "eyJzdWIiOiIxMjM0NTY3ODkwIiwicm9sZSI6ImFub24ifQ",
  "c2lnbmF0dXJlLW9mLXRoZS10b2tlbi0xMjM0NTY",
].join(".");

const PEM_BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\nAgEAAoIBAQC7\n";

function pem(label: string): string {
  return `-----BEGIN ${label}-----\n${PEM_BODY}-----END ${label}-----`;
}

const BY_FORMAT: [kind: string, secret: string][] = [
  ["anthropic_api_key", key("sk-" + "ant-api03-")],
  ["anthropic_api_key", key("sk-" + "ant-admin01-", 20) + "-_AA"],
  ["openrouter_api_key", "sk-" + "or-v1-" + HEX],
  ["openai_api_key", key("sk-" + "proj-") + "_T3-" + ALNUM],
  ["openai_api_key", key("sk-" + "svcacct-")],
  ["openai_api_key", key("sk-", 48)],
  ["openai_api_key", "sk-" + HEX.slice(0, 32)],
  ["openai_api_key", "sk-" + "aB3d-E6gH9_jK2mN5pQ8s"],
  ["provider_api_key", "sk-" + "lf-0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"],
  ["google_api_key", key("AI" + "za", 35)],
  ["google_api_key", key("AQ." + "Ab8R", 46)],
  ["aws_access_key_id", "AK" + "IA" + UPPER],
  ["aws_access_key_id", "AS" + "IA" + UPPER],
  ["github_token", key("gh" + "p_", 36)],
  ["github_token", key("gh" + "o_", 36)],
  ["github_token", key("gh" + "s_", 36)],
  ["github_token", key("github" + "_pat_", 22) + "_" + ALNUM],
  ["gitlab_token", key("gl" + "pat-", 20)],
  ["slack_token", "xox" + "b-1234567890-1234567890-" + ALNUM.slice(0, 24)],
  ["slack_token", "xox" + "p-1234567890-" + ALNUM.slice(0, 24)],
  ["stripe_secret_key", key("sk_" + "live_", 24)],
  ["stripe_secret_key", key("rk_" + "live_", 24)],
  ["stripe_secret_key", key("sk_" + "test_", 24)],
  ["huggingface_token", key("hf" + "_", 34)],
  ["groq_api_key", key("gs" + "k_", 52)],
  ["xai_api_key", key("xa" + "i-", 52)],
  ["supabase_secret_key", key("sb_" + "secret_", 22) + "_" + "aB3dE6gH"],
  ["supabase_access_token", "sb" + "p_" + HEX.slice(0, 40)],
  ["supabase_access_token", "sb" + "p_oauth_" + HEX.slice(0, 40)],
  ["webhook_secret", "wh" + "sec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
  ["jwt", JWT],
  ["private_key", pem("PRIVATE KEY")],
  ["private_key", pem("RSA PRIVATE KEY")],
  ["private_key", pem("EC PRIVATE KEY")],
  ["private_key", pem("OPENSSH PRIVATE KEY")],
  ["private_key", pem("ENCRYPTED PRIVATE KEY")],
  ["private_key", pem("PGP PRIVATE KEY BLOCK")],
  ["private_key", pem("PRIVATE KEY").replaceAll("\n", "\\n")],
];

describe("a secret with a known format", () => {
  test.each(BY_FORMAT)("of kind %s is replaced whole", (kind, secret) => {
    expect(redactSecrets(secret)).toBe(`[redacted:${kind}]`);
    expect(findSecret(secret)).toBe(kind);
  });

  test.each(BY_FORMAT)(
    "of kind %s is replaced inside a message",
    (kind, secret) => {
      const redacted = `[redacted:${kind}]`;
      for (
        const [before, after] of [
          ["401 from upstream, key ", " is not valid"],
          ['{"error":{"message":"', '","code":401}}'],
          ["used(", ")"],
          ["url?k=", "&x=1"],
          ["«", "», retry"],
        ]
      ) {
        expect(redactSecrets(before + secret + after))
          .toBe(before + redacted + after);
      }
    },
  );

  test("is replaced at every occurrence", () => {
    const secret = key("gh" + "p_", 36);
    expect(redactSecrets(`${secret},${secret} and ${JWT}`)).toBe(
      "[redacted:github_token],[redacted:github_token] and [redacted:jwt]",
    );
  });

  test("is found when it is truncated", () => {
    expect(redactSecrets("key " + key("sk-" + "proj-", 18) + "…"))
      .toBe("key [redacted:openai_api_key]…");
    expect(redactSecrets(`-----BEGIN PRIVATE KEY-----\n${PEM_BODY}`))
      .toBe("[redacted:private_key]");
  });

  test("is found in a token that carries a JWT behind a prefix", () => {
    expect(redactSecrets("gh" + "s_123456_" + JWT)).not.toContain("eyJ");
    expect(redactSecrets("a.b.c." + JWT)).toBe("a.b.c.[redacted:jwt]");
    expect(redactSecrets("session-" + JWT)).toBe("session-[redacted:jwt]");
  });

  test("in PEM ends at the END line of its own block", () => {
    expect(redactSecrets(`a ${pem("PRIVATE KEY")} b ${pem("PRIVATE KEY")} c`))
      .toBe("a [redacted:private_key] b [redacted:private_key] c");
  });
});

describe("a connection string", () => {
  const P = "[redacted:connection_password]";

  test.each(Object.entries({
    "postgres://app:hunter2@db.example.com:5432/app":
      `postgres://app:${P}@db.example.com:5432/app`,
    "postgresql+psycopg2://app.ref:p%40ss@h/db?sslmode=require":
      `postgresql+psycopg2://app.ref:${P}@h/db?sslmode=require`,
    "redis://:s3cret@cache:6379/0": `redis://:${P}@cache:6379/0`,
    "mongodb+srv://u:pw@a.mongodb.net,b.mongodb.net/x":
      `mongodb+srv://u:${P}@a.mongodb.net,b.mongodb.net/x`,
    "https://u:pw@git.example.com/a.git":
      `https://u:${P}@git.example.com/a.git`,
    "amqp://u:p@ss@mq/vhost": `amqp://u:${P}@mq/vhost`,
    "mysql://u:pa/ss@db/x": `mysql://u:${P}@db/x`,
    "smtp://me@x.org:pw@smtp.x.org:587": `smtp://me@x.org:${P}@smtp.x.org:587`,
    'dsn="postgres://a:b@c/d"': `dsn="postgres://a:${P}@c/d"`,
    "postgres://a:b@c/d, postgres://e:f@g/h":
      `postgres://a:${P}@c/d, postgres://e:${P}@g/h`,
  }))("%s loses its password and keeps its host", (text, redacted) => {
    expect(redactSecrets(text)).toBe(redacted);
    expect(findSecret(text)).toBe("connection_password");
  });

  test.each([
    "http://localhost:54321/functions/v1/audit?email=a@b.c",
    "https://example.com:8443/@scope/package",
    "http://[::1]:8080/@x",
    "ssh://git@github.com:org/repo",
    "postgres://app@db.example.com:5432/app",
    "mongodb://h1:27017,h2:27017/x?replicaSet=r",
    "see http://example.com: and write to a@b.c",
    "postgres://app:***@db/app",
  ])("%s has no password and is unchanged", (text) => {
    expect(redactSecrets(text)).toBe(text);
  });
});

describe("a labelled secret", () => {
  test.each(Object.entries({
    "password=hunter2": "password=[redacted:password]",
    "password: hunter": "password: [redacted:password]",
    "DB_PASSWORD=hunter2 make": "DB_PASSWORD=[redacted:password] make",
    "dbPassword: 'a b c'": "dbPassword: '[redacted:password]'",
    "password2=abc": "password2=[redacted:password]",
    '{"password":"a\\"b","x":1}': '{"password":"[redacted:password]","x":1}',
    '"{\\"password\\":\\"hunter2\\",\\"x\\":1}"':
      '"{\\"password\\":\\"[redacted:password]\\",\\"x\\":1}"',
    "Uid=sa;Pwd=s3cret;": "Uid=sa;Pwd=[redacted:password];",
    "?password=a&user=b": "?password=[redacted:password]&user=b",
    "passphrase := xyz": "passphrase := [redacted:password]",
    "api_key: abc123": "api_key: [redacted:api_key]",
    "apikey=abc": "apikey=[redacted:api_key]",
    "X-Api-Key: abc": "X-Api-Key: [redacted:api_key]",
    "'apiKey' => 'abc'": "'apiKey' => '[redacted:api_key]'",
    "private_key=abc": "private_key=[redacted:api_key]",
    "client_secret=abc": "client_secret=[redacted:secret]",
    "SECRET_KEY_BASE=abc": "SECRET_KEY_BASE=[redacted:secret]",
    "aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCY":
      "aws_secret_access_key=[redacted:aws_secret_access_key]",
    'secretAccessKey: "wJalrXUtnFEMI/K7MDENG"':
      'secretAccessKey: "[redacted:aws_secret_access_key]"',
    "access_token=abc": "access_token=[redacted:token]",
    '"refreshToken":"abc"': '"refreshToken":"[redacted:token]"',
    "token: a1b2c3d4": "token: [redacted:token]",
    "Bearer a1b2c3d4e5": "Bearer [redacted:bearer_token]",
    ["bearer " + "q".repeat(32)]: "bearer [redacted:bearer_token]",
    "Authorization: Bearer secrettoken":
      "Authorization: Bearer [redacted:authorization]",
    "Authorization: Basic dXNlcjpwYXNz failed":
      "Authorization: Basic [redacted:authorization] failed",
    'Authorization: Digest username="M", response="6629fae4"\nnext line':
      "Authorization: [redacted:authorization]\nnext line",
    "authorization: AWS4-HMAC-SHA256 Credential=x, Signature=fe5f":
      "authorization: [redacted:authorization]",
    "Authorization: abc123": "Authorization: [redacted:authorization]",
    "Authorization: Custom abc": "Authorization: [redacted:authorization]",
    '{"authorization":"Bearer abcdef","x":1}':
      '{"authorization":"Bearer [redacted:authorization]","x":1}',
  }))("%s is replaced and its label is kept", (text, redacted) => {
    expect(redactSecrets(text)).toBe(redacted);
    expect(findSecret(text)).not.toBeNull();
  });

  test("is named after its issuer if its format is known", () => {
    const secret = key("sk-" + "ant-api03-");
    expect(redactSecrets(`api_key: ${secret}`))
      .toBe("api_key: [redacted:anthropic_api_key]");
    expect(redactSecrets(`Authorization: Bearer ${JWT}`))
      .toBe("Authorization: Bearer [redacted:jwt]");
  });
});

describe("ordinary text", () => {
  test.each([
    ["", "sk-learn failed"],
    ["sk-learn-pipeline-for-classification-v2-2026-11-21 failed"],
    ["task-1234", "risk-" + HEX, "Bearer of bad news"],
    ["Bearer authentication failed"],
    ["550e8400-e29b-41d4-a716-446655440000"],
    ["550E8400E29B41D4A716446655440000", "sha256:" + HEX],
    ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "gpt-4.1-mini-2026-04-14 is overloaded"],
    ["Rate limit reached for gpt-4o in organization org-x on tokens per min"],
    ["Incorrect API key provided: sk-proj-****abcd."],
    ["max_tokens: 4096 is larger than the maximum"],
    ["input_tokens=1200 output_tokens=30", "token_count: 12345678"],
    ["Unexpected token: }", "Unexpected token: identifier"],
    ["it starts with eyJhbGciOiJI... and so on"],
    ["Unexpected token < in JSON at position 0"],
    ["Invalid token: expected string, received number"],
    ["Password authentication failed for user app", "password: changed"],
    ["password: must be at least 8 characters"],
    ["password: String must contain at least 8 character(s)"],
    ["password=null", 'password: ""', "password: ********"],
    ["api_key: missing", "Authorization: required"],
    ["Authorization: Bearer token is missing"],
    ["Authorization header is missing", "the secret: never give up"],
    ["PWD=/home/app", "AKIA is a prefix", "AKIAIOSFODNN7EXAMPLEANDMORE"],
    ["eyJ is how it starts", "hf_transfer and hf_hub_download"],
    ["sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH"],
    ["-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"],
    ["-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"],
    ["a.b.c.d.example.com"],
    ["secret_id: 7 api_key_id: 8 password_hash_rounds: 10"],
    ["[redacted:jwt] and password=[redacted:password], (api_key=[redacted:api_key])"],
  ].flat())("«%s» is unchanged", (text) => {
    expect(redactSecrets(text)).toBe(text);
    expect(findSecret(text)).toBeNull();
  });
});

/** Pieces that combine into patterns, placeholders and their delimiters. */
const PIECES = [
  ...BY_FORMAT.map(([, secret]) => secret),
  ...BY_FORMAT.map(([, secret]) => secret.slice(0, -3)),
  ...["password", "api_key", "secret", "token", "access_token"],
  ...["Authorization", "Bearer", "Basic", "Digest"],
  ...["aws_secret_access_key", "pwd", "hunter2", "abcdefgh1"],
  ...["[redacted:jwt]", "[redacted:password]", "[redacted:", "redacted"],
  ...["://", "postgres://u:", "@", "@host"],
  ...["-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "eyJ"],
  ...[".", "=", ":", " ", " ", ": ", '"', "'", '\\"', "\\", "`", "&"],
  ...[",", ";", "/", "?", "#", "<", "[", "]", "{", "(", ")", "*", "***"],
  ...["-", "_", "\n", "must", "null", "é", "\u200b", "1", "a", "Z"],
];

describe("redaction", () => {
  test("is idempotent", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }),
        (pieces) => {
          const once = redactSecrets(pieces.join(""));
          expect(redactSecrets(once)).toBe(once);
          expect(findSecret(once)).toBeNull();
        },
      ),
      { numRuns: 20_000 },
    );
  });

  test("changes exactly the text in which a secret is found", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...PIECES), { maxLength: 6 }),
        (pieces) => {
          const text = pieces.join("");
          expect(findSecret(text) !== null).toBe(redactSecrets(text) !== text);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("leaves ids, hashes and timestamps unchanged", () => {
    const hex = fc.string({
      unit: fc.constantFrom(..."0123456789abcdef"),
      minLength: 64,
      maxLength: 64,
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uuid(),
          fc.ulid(),
          hex,
          fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
        ),
        (id) => {
          expect(redactSecrets(`failed for ${id}`)).toBe(`failed for ${id}`);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ["a", "1", " ", "=", ":", '"', "\\", "sk-", "sk-a", "sk-ant-", "eyJ"],
    ["eyJaaaaa-", "eyJaaaaa.", "a.", "://", "://a", "://a:b", "://a:b/"],
    ["-----BEGIN ", "-----BEGIN PRIVATE KEY", "password ", "password=\\"],
    ['password="\\', "authorization: a-", "bearer  ", "token=a"],
    ["secret access ", "A".repeat(15) + "KIA"],
  ].flat())(
    "of 16,000 characters of «%s» removes nothing but secrets",
    (unit) => {
      const text = unit.repeat(Math.ceil(16_000 / unit.length)).slice(
        0,
        16_000,
      );
      const redacted = redactSecrets(text);
      expect(redactSecrets(redacted)).toBe(redacted);
      if (findSecret(text) === null) expect(redacted).toBe(text);
      else expect(redacted).toContain("[redacted:");
    },
  );

  test("repeats until no secret is left", () => {
    const long = key("sk-" + "proj-", 50) + "!";
    const once = redactSecrets(`postgres://u:${long.repeat(9)}@host`);
    expect(once).toBe("postgres://u:[redacted:connection_password]@host");
    expect(redactSecrets(once)).toBe(once);
  });

  test("finds a secret at the end of a long message", () => {
    const secret = key("gs" + "k_", 52);
    expect(redactSecrets("x-".repeat(8_000) + " " + secret))
      .toBe("x-".repeat(8_000) + " [redacted:groq_api_key]");
  });
});

test("findSecret() finds every secret that a rule finds", () => {
  const rules = [
    ...STRUCTURED_SECRET_RULES,
    ...PROVIDER_KEY_RULES,
    ...LABELLED_SECRET_RULES,
  ];
  const pieces = fc.constantFrom(
    ...BY_FORMAT.map(([, secret]) => secret),
    ...BY_FORMAT.map(([, secret]) => secret.toLowerCase()),
    ...["password", "API_KEY", "Authorization", "Bearer", "token", "secret"],
    ...["https", "://", "user", "@", ":", "=", " ", '"', "'", "\\", ".", "-"],
    ...["[redacted:password]", "[REDACTED:JWT]", "***", "missing", "a1B2c3D4"],
    ...["\n", "é", "\u017f", "\u212a", "{", "}", "_", "1"],
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 6 }), (parts) => {
      const text = parts.join("");
      const kind = readText(text).flatMap((reading) =>
        rules.filter((rule) => rule.find(reading.text).length > 0)
      )[0]?.kind;
      expect(findSecret(text)).toBe(kind ?? null);
    }),
    { numRuns: 5_000 },
  );
});
