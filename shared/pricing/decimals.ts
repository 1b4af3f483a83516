/** More digits than any price has, and far fewer than Postgres's numeric holds. */
const DECIMAL = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,40})?$/;
const SCIENTIFIC = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/;

/**
 * A number, or decimal text, as decimal text without exponent: for a number the
 * shortest that parses to the same double, 1.5e-7 → "0.00000015". Null for anything
 * else. No arithmetic: only the point moves.
 */
export function toDecimalText(value: unknown): string | null {
  if (typeof value === "string") return DECIMAL.test(value) ? value : null;
  if (typeof value !== "number" || !Number.isFinite(value)) return null;
  const text = String(value);
  const match = SCIENTIFIC.exec(text);
  if (match === null) return text;
  const [, sign, first, rest = "", exponent] = match;
  const digits = first + rest;
  const point = 1 + Number(exponent);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  // String() writes an exponent from 1e21 on, and no double has that many digits.
  return sign + digits.padEnd(point, "0");
}

/** Whether decimal text is zero. */
export function isZero(decimal: string): boolean {
  return /^-?0(?:\.0+)?$/.test(decimal);
}

/** The exact sum of two decimals of at least 0. */
export function addDecimals(one: string, other: string): string {
  const places = Math.max(...[one, other].map(countPlaces));
  const scale = (decimal: string) =>
    BigInt(
      decimal.replace(".", "") + "0".repeat(places - countPlaces(decimal)),
    );
  const digits = String(scale(one) + scale(other)).padStart(places + 1, "0");
  const point = digits.length - places;
  const fraction = digits.slice(point).replace(/0+$/, "");
  return digits.slice(0, point) + (fraction && `.${fraction}`);
}

function countPlaces(decimal: string): number {
  return decimal.split(".")[1]?.length ?? 0;
}
