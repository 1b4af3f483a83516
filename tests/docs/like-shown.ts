/**
 * An answer, shortened like that of a page: where the page has "…" there is a value
 * that differs each time, and a member "…" stands for all that are not shown.
 */
export function likeShown(actual: unknown, shown: unknown): unknown {
  if (shown === "…") return actual === null || actual === "" ? actual : "…";
  if (Array.isArray(shown) && Array.isArray(actual)) {
    return actual.map((item, index) => likeShown(item, shown[index]));
  }
  if (!isObject(shown) || !isObject(actual)) return actual;
  const isShortened = Object.hasOwn(shown, "…");
  const seen = Object.entries(actual)
    .filter(([member]) => !isShortened || Object.hasOwn(shown, member))
    .map(([member, value]) => [member, likeShown(value, shown[member])]);
  const isMore = isShortened && seen.length < Object.keys(actual).length;
  return { ...Object.fromEntries(seen), ...isMore && { "…": "…" } };
}

/**
 * The pattern of a text in which "…" stands for something within a line, and a line
 * that is only "…" for any number of lines.
 */
export function patternOf(shown: string): RegExp {
  const lines = shown.trimEnd().split("\n").map((line) => {
    const parts = line.split("…").map((part) =>
      part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
    );
    return line === "…" ? "[^]*?" : parts.join(".+");
  });
  return new RegExp(`^${lines.join("\n")}$`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
