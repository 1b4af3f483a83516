const CLOSERS: Record<string, string> = { "[": "]", "{": "}" };

/**
 * The index after the object or array that starts at `start`, found by its brackets and
 * strings alone; null if these are not balanced. `onComma` is called for each comma
 * between its own members.
 */
export function findEnd(
  text: string,
  start: number,
  onComma: (at: number) => void = () => {},
): number | null {
  const closers: string[] = [];
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      at = findQuote(text, at + 1);
      if (at < 0) return null;
    } else if (char in CLOSERS) closers.push(CLOSERS[char]);
    else if (char === "]" || char === "}") {
      if (closers.pop() !== char) return null;
      if (closers.length === 0) return at + 1;
    } else if (char === "," && closers.length === 1) onComma(at);
  }
  return null;
}

/** The index of the quote that ends a string, or -1. */
function findQuote(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    if (text[at] === '"') return at;
    if (text[at] === "\\") at++;
  }
  return -1;
}

const WRAPPED = /^\s*\{\s*"events"\s*:(.*)\}\s*$/s;

/**
 * The texts of the events of an array or `{"events": […]}`, which may not be JSON; null
 * if it is uncertain where each of them ends.
 */
export function splitEvents(text: string): string[] | null {
  const array = (WRAPPED.exec(text)?.[1] ?? text).trim();
  if (!array.startsWith("[")) return null;
  const commas: number[] = [];
  const end = findEnd(array, 0, (at) => commas.push(at));
  if (end !== array.length) return null;
  const ends = [...commas, end - 1];
  const texts = ends.map((at, index) =>
    array.slice(index === 0 ? 1 : commas[index - 1] + 1, at).trim()
  );
  return texts.includes("") ? null : texts;
}
