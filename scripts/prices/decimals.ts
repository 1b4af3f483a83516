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

/** The exact product of two decimals that are not negative. */
export function multiply(one: string, other: string): string {
  const places = [one, other].map((decimal) =>
    decimal.split(".")[1]?.length ?? 0
  );
  const [a, b] = [one, other].map((decimal) =>
    BigInt(decimal.replace(".", ""))
  );
  return shiftPoint(String(a * b), -places[0] - places[1]);
}
