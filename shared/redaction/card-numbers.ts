import { isTimestamp, type Span } from "./text.ts";

/** The shortest payment card number in use. */
const MIN_DIGITS = 13;

/** The longest primary account number that ISO/IEC 7812-1 allows. */
const MAX_DIGITS = 19;

/**
 * No card scheme issues numbers that start with 0 or 1 (ISO/IEC 7812: other
 * assignment, airlines), and 1 is how the present time starts in epoch
 * milliseconds, microseconds and nanoseconds.
 */
const ISSUED_FIRST_DIGIT = /^[2-9]/;

/** Prefixes and lengths of the card networks. */
const ISSUED = new RegExp(
  "^(?:" + [
    "4(?:\\d{12}|\\d{15}|\\d{18})", // Visa
    "(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)\\d+(?<=^\\d{16})", // Mastercard
    "3[47]\\d{13}", // American Express
    "3(?:0[0-5]|095|[689])\\d+(?<=^\\d{14,19})", // Diners Club
    "35(?:2[89]|[3-8])\\d+(?<=^\\d{16,19})", // JCB
    "(?:5[0678]|6)\\d+(?<=^\\d{13,19})", // Maestro, Discover, UnionPay, RuPay
    "(?:220[0-4]|8[12]|9792)\\d+(?<=^\\d{16,19})", // Mir, UnionPay, RuPay, Troy
  ].join("|") + ")$",
);

/** Lengths of the groups of digits on cards: Visa and others, Amex, Diners, old Visa. */
const PRINTED_GROUPS: readonly (readonly number[])[] = [
  [4, 4, 4, 4],
  [4, 6, 5],
  [4, 6, 4],
  [4, 4, 4, 1],
  [4, 4, 4, 4, 1],
  [4, 4, 4, 4, 2],
  [4, 4, 4, 4, 3],
];

/** The most groups of a printed grouping. */
const MAX_PRINTED_GROUPS = 5;

/** Groups of two or four digits, as a separator in regular places makes them. */
const REGULAR_GROUPS = /^(?:1(?:,1){12,18}|2(?:,2){5,8}(?:,[12])?)$/;

/** Two or three groups of 16 digits that are no printed ones, and their separators: not of a list. */
const COARSE_GROUPS = /^(?:4,12|8,8|12,4|4,4,8|4,8,4|8,4,4)$/;
const LIST_GAP = /[,;]/;

const YEAR = /^(?:19|20)\d\d$/;

/** A run of digits that is a number or part of one. */
interface Group extends Span {
  readonly digits: string;
  /** Characters between the previous group of the chain and this one; "" for the first. */
  readonly gap: string;
  /** Whether letters touch the digits. */
  readonly isGlued: boolean;
}

/**
 * The payment card numbers of `text` (a reading of `readText`): 13–19 digits with a valid
 * Luhn digit (ISO/IEC 7812-1 annex B), written
 *
 * - as one run, or with single spaces or hyphens at any place: if they start with 2–9;
 * - with other separators of up to three characters (`4111.1111.1111.1111`), or glued to
 *   letters (`card4111111111111111`): if a card network issues the prefix and length.
 *
 * Next to other numbers (`4111 1111 1111 1111 12 26`) only the groupings printed on
 * cards count, or every long list of counts would have a card number. A run with letters
 * between its digits is an id or a hash.
 *
 * One random number in ten has a valid Luhn digit, so a decimal id of 13–19 digits can
 * be a false positive; such ids should be sent in hex.
 */
export function findCardNumbers(text: string): Span[] {
  return findChains(text).flatMap((chain) => findInChain(chain));
}

function findInChain(chain: readonly Group[]): Span[] {
  if (
    isPlainNumber(chain) || isRegularNumber(chain) || isCoarseNumber(chain)
  ) return [spanOf(chain)];
  const found: Span[] = [];
  for (let start = 0; start < chain.length; start++) {
    const size = findPrintedNumber(chain, start);
    if (size === 0) continue;
    found.push(spanOf(chain.slice(start, start + size)));
    start += size - 1;
  }
  return found;
}

/** Whether the whole chain is a number with single spaces or hyphens. */
function isPlainNumber(chain: readonly Group[]): boolean {
  return chain.every((group) => !group.isGlued && isPlainGap(group.gap)) &&
    isCardNumber(chain, ISSUED_FIRST_DIGIT);
}

/** Whether the whole chain is a number with one separator after every digit, or every second. */
function isRegularNumber(chain: readonly Group[]): boolean {
  return chain.length > MAX_PRINTED_GROUPS && chain.length <= MAX_DIGITS &&
    REGULAR_GROUPS.test(chain.map(({ digits }) => digits.length).join()) &&
    isCardNumber(chain, ISSUED);
}

/** Whether the whole chain is a number in a few large groups, such as `4111_111111111111`. */
function isCoarseNumber(chain: readonly Group[]): boolean {
  return chain.length <= 3 &&
    COARSE_GROUPS.test(chain.map(({ digits }) => digits.length).join()) &&
    !chain.some(({ gap }) => LIST_GAP.test(gap)) && isPrintedNumber(chain);
}

/** The number of groups of the printed card number at `start`; 0 without one. */
function findPrintedNumber(chain: readonly Group[], start: number): number {
  if (isPrintedNumber(chain.slice(start, start + 1))) return 1;
  const lengths = PRINTED_GROUPS.find((lengths) =>
    lengths.every((length, index) =>
      chain[start + index]?.digits.length === length
    ) && isPrintedNumber(chain.slice(start, start + lengths.length))
  );
  return lengths?.length ?? 0;
}

function isPrintedNumber(groups: readonly Group[]): boolean {
  const isPlain = groups.every(({ isGlued, gap }, index) =>
    !isGlued && (index === 0 || isPlainGap(gap))
  );
  return isPlain
    ? isCardNumber(groups, ISSUED_FIRST_DIGIT)
    : isCardNumber(groups, ISSUED) &&
      !groups.every(({ digits }) => YEAR.test(digits));
}

function spanOf(groups: readonly Group[]): Span {
  return { start: groups[0].start, end: groups.at(-1)!.end };
}

function isPlainGap(gap: string): boolean {
  return gap === "" || gap === " " || gap === "-";
}

function isCardNumber(groups: readonly Group[], issued: RegExp): boolean {
  if (groups.length > MAX_DIGITS) return false;
  const digits = groups.map((group) => group.digits).join("");
  return digits.length >= MIN_DIGITS && digits.length <= MAX_DIGITS &&
    issued.test(digits) && passesLuhn(digits) && !isTimestamp(digits);
}

/** Whether `digits` have a valid Luhn check digit (ISO/IEC 7812-1 annex B). */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let place = 0; place < digits.length; place++) {
    const digit = digits.charCodeAt(digits.length - 1 - place) - 48;
    const doubled = digit * 2;
    sum += place % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

const DIGITS = /\d+/g;

/** Letters that touch digits, and a digit on their other side. */
const LETTERS_BEFORE = /(\p{N})?(\p{L}+)$/u;
const LETTERS_AFTER = /^(\p{L}+)(\p{N})?/u;

/** Words that stand between the number of a card and another number of it: `…1111exp1226`. */
const WORD_OF_CARD = /^(?:exp|valid|cv[cv]|card|pan|visa)/i;

/** The longest word that is read next to a number. */
const MAX_LETTERS = 24;

/** What may separate the groups of one number. */
const GAP = /^[^\p{L}\p{N}]{1,3}$/u;

/** Chains of groups of digits, at most three characters apart. */
function findChains(text: string): Group[][] {
  const chains: Group[][] = [];
  let last: Group | undefined;
  let isOpen = false;
  for (const { 0: digits, index: start } of text.matchAll(DIGITS)) {
    const end = start + digits.length;
    const before = LETTERS_BEFORE.exec(
      text.slice(Math.max(0, start - MAX_LETTERS), start),
    );
    const after = LETTERS_AFTER.exec(text.slice(end, end + MAX_LETTERS));
    const gap = text.slice(Math.max(last?.end ?? 0, start - 4), start);
    // The digits after `0.` are a fraction, such as a score, not an id.
    const isFraction = gap === "." && last?.digits === "0";
    const continues = isOpen && before === null && GAP.test(gap);
    const group: Group = {
      start,
      end,
      digits,
      gap: continues ? gap : "",
      isGlued: before !== null || after !== null,
    };
    last = group;
    isOpen = !isFraction && after === null;
    const isWithinId = continuesId(before?.[2], before?.[1]) ||
      continuesId(after?.[1], after?.[2]);
    if (isFraction || isWithinId) {
      isOpen = false;
    } else if (continues) chains.at(-1)!.push(group);
    else chains.push([group]);
  }
  return chains;
}

/** Whether letters that touch a number join it to another digit. */
function continuesId(letters = "", digit?: string): boolean {
  return digit !== undefined && !WORD_OF_CARD.test(letters);
}
