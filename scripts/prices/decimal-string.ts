/** Decimals of a price; further ones are artefacts of binary floating point. */
const DECIMALS = 9;

/**
 * A price of genai-prices as a decimal: the shortest decimal of the float, rounded half
 * up to nine decimals (0.18000000000000002 is 0.18), without exponent.
 */
export function toDecimal(price: number): string {
  if (!Number.isFinite(price) || price < 0) {
    throw new Error(`Expected a price, found ${price}`);
  }
  const [mantissa, exponent = "0"] = String(price).split("e");
  const exact = shiftPoint(mantissa, Number(exponent));
  const [whole, fraction = ""] = exact.split(".");
  const kept = fraction.slice(0, DECIMALS).padEnd(DECIMALS, "0");
  const up = fraction.charAt(DECIMALS) >= "5" ? 1n : 0n;
  return shiftPoint(String(BigInt(whole + kept) + up), -DECIMALS);
}

/** A decimal with its point moved `places` to the right, or left if negative. */
export function shiftPoint(decimal: string, places: number): string {
  const [whole, fraction = ""] = decimal.split(".");
  const digits = "0".repeat(Math.max(0, -places)) + whole + fraction +
    "0".repeat(Math.max(0, places));
  const point = Math.max(0, -places) + whole.length + places;
  const before = digits.slice(0, point).replace(/^0+(?=\d)/, "");
  const after = digits.slice(point).replace(/0+$/, "");
  return after ? `${before}.${after}` : before;
}
