import * as z from "zod";
import { MAX_CLOCK_SKEW_MS, MAX_INTEGER } from "../limits.ts";
import { findContentIssues } from "../redaction/content.ts";

const MONEY = /^(?:0|[1-9]\d{0,3})(?:\.\d{1,6})?$/;
const SIGNED_MONEY = /^-?(?:0|[1-9]\d{0,3})(?:\.\d{1,6})?$/;

/** Offsets of a timestamp that is already in UTC. */
const UTC = ["Z", "+00:00"];

/** A UUID of any version, in the form that Postgres prints. */
export function uuid() {
  return z.guid("Expected a UUID such as 3f2504e0-4f89-41d3-9a0c-0305e82c3301")
    .toLowerCase();
}

/** Text of 1 to `max` UTF-16 code units that is not blank. */
export function text(max: number) {
  return z.string(`Expected a string of 1 to ${max} characters`)
    .min(1, {
      error: `Expected 1 to ${max} characters, found none`,
      abort: true,
    })
    .max(max, `Expected at most ${max} characters`)
    .regex(/\S/, "Expected text, found only white space");
}

/**
 * Text that names a thing, such as a model or an action: `text` without financial data and
 * secrets.
 */
export function name(max: number) {
  return text(max).superRefine((value, context) => {
    if (harmlessNames.has(value)) return;
    const remedy = "send the name alone";
    const issues = findContentIssues(value, { remedy });
    for (const { code, detail } of issues) {
      context.addIssue({ code: "custom", message: detail, params: { code } });
    }
    if (issues.length === 0) remember(value);
  });
}

/**
 * Names without issues that were checked before: a few names are in most events, and the
 * check of one takes longer than that of all other members.
 */
const harmlessNames = new Set<string>();

const MAX_REMEMBERED_NAMES = 1_000;

function remember(harmless: string): void {
  if (harmlessNames.size >= MAX_REMEMBERED_NAMES) harmlessNames.clear();
  harmlessNames.add(harmless);
}

/** A whole number from `min` to the maximum of Postgres's `integer`. */
export function integer(min: number) {
  const expected = `Expected an integer from ${min} to ${MAX_INTEGER}`;
  return z.int(expected).min(min, expected).max(MAX_INTEGER, expected);
}

/**
 * US dollars for `numeric(10,6)`: at most four integer and six decimal digits, as a
 * string or a number, never rounded. The output is a string.
 */
export function money(options: { negative: boolean }) {
  const expected = `Expected US dollars${
    options.negative ? "" : ", not negative,"
  } with at most 4 integer and 6 decimal digits, as a string or a number, without exponent`;
  const pattern = options.negative ? SIGNED_MONEY : MONEY;
  const exact = z.string().regex(pattern, expected).meta({
    format: "decimal",
    description: "US dollars, exact",
  });
  return z.union([
    exact,
    z.number().refine((value) => pattern.test(String(value)), expected),
  ], expected).transform(String).pipe(exact);
}

/**
 * A timestamp (RFC 3339, with offset), at most `MAX_CLOCK_SKEW_MS` in the future. The
 * output is in UTC with microseconds, the precision of Postgres; finer digits are
 * truncated.
 */
export function timestamp() {
  const expected =
    "Expected an RFC 3339 date and time with offset, such as 2026-01-31T12:00:00.5Z";
  const minutes = MAX_CLOCK_SKEW_MS / 60_000;
  return z.iso.datetime({ offset: true, error: expected })
    .describe(`When it happened; at most ${minutes} minutes in the future`)
    .transform((value, context) => {
      const { seconds, fraction, offset } = splitTimestamp(value);
      const time = Date.parse(seconds + offset);
      if (Number.isNaN(time) || time < 0) {
        context.addIssue(`${expected}, not before 1970`);
        return z.NEVER;
      }
      if (time > Date.now() + MAX_CLOCK_SKEW_MS) {
        context.addIssue(
          `Is more than ${minutes} minutes in the future; send the time of the event`,
        );
        return z.NEVER;
      }
      const utc = UTC.includes(offset)
        ? seconds
        : new Date(time).toISOString().slice(0, seconds.length);
      const micros = (fraction + "000000").slice(0, 6);
      // A concatenated string is a rope, which JSON.stringify is slow to write.
      return [utc, ".", micros, "Z"].join("");
    })
    // Already validated; this pipe only sets the format in the OpenAPI documents.
    .pipe(z.string().meta({ format: "date-time" }));
}

/** A boolean query parameter. */
export function booleanParameter() {
  return z.enum(["true", "false"], "Expected true or false");
}

/** A column that the server sets when a user writes; `value` completes "Is set by the server …". */
export function setByServer(value: string) {
  return z.never(`Is set by the server ${value}; leave it out`).optional();
}

/** "…:00.5+02:00" → "…:00", "5" and "+02:00", because Date truncates to milliseconds. */
function splitTimestamp(value: string) {
  const fractionAt = "2026-01-31T12:00:00".length;
  const offsetAt = value.length - (value.endsWith("Z") ? 1 : "+02:00".length);
  return {
    seconds: value.slice(0, fractionAt),
    fraction: value.slice(fractionAt + 1, offsetAt),
    offset: value.slice(offsetAt),
  };
}

/** An IPv4 or IPv6 address. */
export function ipAddress() {
  return z.union([z.ipv4(), z.ipv6()], "Expected an IPv4 or IPv6 address");
}
