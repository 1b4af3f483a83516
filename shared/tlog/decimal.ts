/** A size or an index in decimal, without leading zeros; null for anything else. */
export function parseDecimal(text: string): number | null {
  if (!/^(0|[1-9]\d*)$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}
