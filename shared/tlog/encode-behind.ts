const encoder = new TextEncoder();
let scratch = new Uint8Array(4_096);

/**
 * Some bytes, and behind them the UTF-8 of a text. What is returned is valid
 * until the next call: making a new buffer for each leaf takes longer than its
 * hash.
 */
export function encodeBehind(head: Uint8Array, text: string): Uint8Array {
  // A UTF-16 code unit becomes at most three bytes of UTF-8.
  const longest = head.length + 3 * text.length;
  if (scratch.length < longest) scratch = new Uint8Array(2 * longest);
  scratch.set(head);
  const { written } = encoder.encodeInto(text, scratch.subarray(head.length));
  return scratch.subarray(0, head.length + written);
}
