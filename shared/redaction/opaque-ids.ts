/** 8-4-4-4-12 in either case (RFC 9562 §4). */
const UUID =
  /(?<![\p{L}\p{N}])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\p{L}\p{N}])/giu;

/** Neither a digit nor a separator that a card number or an amount may contain. */
const BARRIER = "\n#\n";

/**
 * `text` without its UUIDs, so that no part of one is taken for a card number,
 * an amount (`…-5cad-…`) or an identity number.
 *
 * Only this exact shape goes: two card numbers joined by a hyphen also have 32
 * digits. Ids that are one alphanumeric run (UUIDs without hyphens, hashes,
 * ULIDs) need no removal, because every search asks for a value that stands by
 * itself.
 */
export function removeUuids(text: string): string {
  return text.replace(UUID, BARRIER);
}
