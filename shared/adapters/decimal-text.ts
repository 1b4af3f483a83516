/** Of no more digits than anybody pays; far fewer than Postgres's numeric takes. */
const DECIMAL = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,40})?$/;
const SCIENTIFIC = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/;

/**
 * A number, or text that is a decimal already, as the shortest decimal text that
 * means the same double, without exponent: 1.5e-7 → "0.00000015". Null for
 * anything else. No arithmetic: only the point moves.
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
