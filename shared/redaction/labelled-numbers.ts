import type { Span } from "./text.ts";

/** Kinds of numbers that only a label identifies. */
export type LabelledKind =
  | "ssn"
  | "aadhaar"
  | "pan"
  | "account_number"
  | "security_code";

/** Between a label and its number: `no.: `, ` = "`, ` is `, `_`. */
const BETWEEN =
  "(?:[ _.-]?(?:no|nr|num|number|code)(?![a-z]))?[^\\p{L}\\p{N}]{0,4}(?:is[^\\p{L}\\p{N}]{1,3})?";

const GAP = "[^\\p{L}\\p{N}]{0,3}";

/** Kind → label → number. A label may follow other letters after a separator only. */
const NUMBERS: readonly (readonly [LabelledKind, string, string])[] = [
  ["ssn", "ssn|social[ _-]?security", `\\d{3}${GAP}\\d{2}${GAP}\\d{4}`],
  ["aadhaar", "aadh?aa?r|uidai", `\\d{4}${GAP}\\d{4}${GAP}\\d{4}`],
  ["pan", "pan(?:[ _-]?card)?", `[a-z]{5}${GAP}\\d{4}${GAP}[a-z]`],
  [
    "account_number",
    "(?:bank|acc|acct|account|checking|savings)[ _./-]?(?:no|nr|num|number|account|#)(?![a-z])|a[/.]c|iban",
    "\\d(?:[ -]?\\d){5,17}",
  ],
  ["account_number", "aba|routing", "\\d(?:[ -]?\\d){8}"],
  ["account_number", "sort[ _-]?code", `\\d{2}${GAP}\\d{2}${GAP}\\d{2}`],
  ["account_number", "ifsc", "[a-z]{4}0[a-z0-9]{6}"],
  ["security_code", "cvv2?|cvc2?|cv2|security[ _-]?code", "\\d{3,4}"],
];

const PATTERNS: readonly (readonly [LabelledKind, RegExp])[] = NUMBERS.map((
  [kind, label, number],
) => [
  kind,
  new RegExp(
    `(?<![\\p{L}\\p{N}])((?:${label})${BETWEEN})${number}(?![\\p{L}\\p{N}])`,
    "giu",
  ),
]);

/** A part of each label, as a quick filter. */
const ANY_LABEL =
  /ssn|secur|aadh|adhar|uidai|pan|ac|a[/.]c|iban|bank|aba|rout|sort|ifsc|cv|sav|check/i;

/**
 * The numbers of `text` (a reading of `readText`) that have no form of their own and
 * follow a label: `ssn 123456789`, `account number: 00123456`, `CVV=123`.
 */
export function* searchLabelledNumbers(
  text: string,
): Generator<Span & { kind: LabelledKind }> {
  if (!ANY_LABEL.test(text)) return;
  for (const [kind, pattern] of PATTERNS) {
    for (const { 0: match, 1: label, index } of text.matchAll(pattern)) {
      yield {
        kind,
        start: index + label.length,
        end: index + match.length,
      };
    }
  }
}
