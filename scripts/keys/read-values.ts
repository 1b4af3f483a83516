import { StackError } from "../../local/stack-error.ts";

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/**
 * The seconds of a duration such as `90d`, `12h`, `30m` or `45s`.
 *
 * @throws {StackError} for any other text.
 */
export function readDuration(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,4})([smhd])$/.exec(text) ?? [];
  if (unit === undefined) {
    throw new StackError(
      `Cannot use the duration ${
        JSON.stringify(text)
      }: expected a number with s, m, h or d, such as 90d`,
    );
  }
  return Number(count) * SECONDS[unit];
}

/**
 * The end of a duration from `now`, in RFC 3339; null for `never`.
 *
 * @throws {StackError} for any other text.
 */
export function readExpiry(text: string, now: Date): string | null {
  if (text === "never") return null;
  return new Date(now.getTime() + readDuration(text) * 1_000).toISOString();
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * A UUID in lower case; `name` says of what.
 *
 * @throws {StackError} for any other text.
 */
export function readUuid(name: string, text: string): string {
  if (UUID.test(text)) return text.toLowerCase();
  throw new StackError(
    `Cannot use ${JSON.stringify(text)} as ${name}: expected a UUID`,
  );
}
