import { type IdentifierKind, searchIdentifiers } from "./financial.ts";
import { LABELLED_SECRET_RULES } from "./labelled-secret-rules.ts";
import { searchProviderKeys } from "./provider-keys.ts";
import {
  placeholderOf,
  PROVIDER_KEY_RULES,
  type SecretKind,
  type SecretRule,
  STRUCTURED_SECRET_RULES,
} from "./secret-rules.ts";
import { type Reading, readText, type Span, toOriginal } from "./text.ts";

export type { SecretKind } from "./secret-rules.ts";

/** A value to be redacted. */
type Finding = Span & { kind: SecretKind | IdentifierKind };

/** A long run, an address or a parameter: one is in every secret with a form. */
const MAY_HAVE_FORM = /[\w.~+/%:|=-]{12}|[?&\\]|:\/\/|-----BEGIN/;

/** A part of every label. */
const MAY_HAVE_LABEL =
  /pass|pw|ps[wk]|secret|token|key|auth|bearer|basic|cookie|sid|sessi|2fa|cred|login|pin|otp|code|-[upa]|--/i;

/**
 * Rules that are tried only if one of them matches: the patterns in one per case
 * sensitivity are several times faster than one search per rule. They are combined on
 * first use, because the cold start of a function would wait for it.
 */
class RuleSet {
  #combined: RegExp[] | undefined;

  constructor(private readonly rules: readonly SecretRule[]) {}

  *search(reading: string): Generator<Finding> {
    this.#combined ??= combine(this.rules);
    if (!this.#combined.some((pattern) => pattern.test(reading))) return;
    for (const { kind, find } of this.rules) {
      for (const span of find(reading)) yield { ...span, kind };
    }
  }
}

function combine(rules: readonly SecretRule[]): RegExp[] {
  return [false, true].flatMap((ignoreCase) => {
    const sources = rules
      .filter(({ pattern }) => pattern.ignoreCase === ignoreCase)
      .map(({ pattern }) => `(?:${pattern.source})`);
    return sources.length === 0
      ? []
      : [new RegExp(sources.join("|"), ignoreCase ? "i" : "")];
  });
}

/** Rules for secrets with a form of their own, which are more certain than labels. */
const FORM_RULES = new RuleSet([
  ...STRUCTURED_SECRET_RULES,
  ...PROVIDER_KEY_RULES,
]);
const LABEL_RULES = new RuleSet(LABELLED_SECRET_RULES);

/**
 * A replacement can shorten a text so that another rule matches, so the rules are
 * applied until nothing changes. Two rounds suffice except for contrived texts; the
 * limit keeps the time linear.
 */
const MAX_ROUNDS = 4;

/**
 * Replaces secrets, and numbers that identify a card, an account or a person, in `text`
 * by `[redacted:<kind>]`: keys of providers, JWTs, PEM private keys, passwords of
 * connection strings, URLs that authorize, credentials after `Authorization:` or
 * `Bearer`, values after labels such as `password=` and `api_key:`, and the kinds of
 * `searchIdentifiers`. All other text is kept, so that the message stays comprehensible;
 * amounts of money too.
 *
 * The text is read as for refusing (`readText`): what metadata may not have is replaced.
 *
 * Idempotent; linear in the length of `text`. This catches mistakes: a secret that is
 * encoded, split or without a recognizable form is not found.
 */
export function redactSecrets(text: string): string {
  let redacted = text;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = redacted;
    // A replacement invalidates the offsets of the other reading.
    for (let index = 0; index < 2; index++) {
      const reading = readText(redacted)[index];
      if (reading !== undefined) redacted = redactReading(redacted, reading);
    }
    if (redacted === before) break;
  }
  return redacted;
}

/** The kind of the first secret that `redactSecrets` would replace in `text`, or null. A placeholder is not a secret. */
export function findSecret(text: string): SecretKind | null {
  for (const { text: reading } of readText(text)) {
    const [first] = searchSecrets(reading);
    if (first !== undefined) return first.kind;
  }
  return null;
}

function redactReading(text: string, reading: Reading): string {
  const findings = [
    ...searchSecrets(reading.text),
    ...searchIdentifiers(reading.text),
  ];
  if (findings.length === 0) return text;
  const accepted = dropOverlaps(findings);
  const parts: string[] = [];
  let end = 0;
  for (const { kind, ...span } of accepted) {
    const original = toOriginal(reading, span);
    parts.push(text.slice(end, original.start), placeholderOf(kind));
    end = original.end;
  }
  parts.push(text.slice(end));
  return parts.join("");
}

/** The findings in the order of the text; of two that overlap, the first found stays. */
function dropOverlaps(findings: readonly Finding[]): Finding[] {
  const ordered = findings.map((finding, rank) => ({ ...finding, rank }))
    .sort((a, b) => a.start - b.start || a.rank - b.rank);
  const accepted: typeof ordered = [];
  for (const finding of ordered) {
    const last = accepted.at(-1);
    if (last === undefined || finding.start >= last.end) accepted.push(finding);
    else if (finding.rank < last.rank) accepted[accepted.length - 1] = finding;
  }
  return accepted;
}

/** The secrets in a reading, the most certain ones first. They can overlap. */
function* searchSecrets(reading: string): Generator<Finding> {
  if (MAY_HAVE_FORM.test(reading)) {
    yield* FORM_RULES.search(reading);
    yield* searchProviderKeys(reading);
  }
  if (MAY_HAVE_LABEL.test(reading)) yield* LABEL_RULES.search(reading);
}
