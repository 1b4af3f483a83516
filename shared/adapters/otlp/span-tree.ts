import type { Span } from "./span.ts";

/** No span: the index of the parent of a root. */
export const NONE = -1;

/**
 * The index of each span's parent in the same list, or `NONE`. A parent that is
 * not in the list, or whose line of parents comes back to the span, is none.
 */
export function findParents(spans: readonly Span[]): number[] {
  const indexes = new Map<string, number>();
  for (const [index, { traceId, spanId }] of spans.entries()) {
    const key = traceId + spanId;
    if (!indexes.has(key)) indexes.set(key, index);
  }
  const parents = spans.map(({ traceId, parentSpanId }) =>
    parentSpanId === null ? NONE : indexes.get(traceId + parentSpanId) ?? NONE
  );
  cutCycles(parents);
  return parents;
}

/**
 * For each index the nearest ancestor that `accepts`, or `NONE`. Linear in the
 * number of spans, however deep they nest. `parents` must have no cycles.
 */
export function nearestAncestors(
  parents: readonly number[],
  accepts: (index: number) => boolean,
): number[] {
  const nearest = new Array<number | undefined>(parents.length);
  for (const index of parents.keys()) {
    const path = [];
    let at = index;
    let found: number | undefined;
    while (found === undefined) {
      path.push(at);
      const parent = parents[at];
      found = nearest[at] ??
        (parent === NONE || accepts(parent) ? parent : undefined);
      at = parent;
    }
    for (const passed of path) nearest[passed] = found;
  }
  return nearest as number[];
}

function cutCycles(parents: number[]): void {
  const seenIn = new Array<number>(parents.length).fill(NONE);
  for (const start of parents.keys()) {
    let at = start;
    while (at !== NONE && seenIn[at] === NONE) {
      seenIn[at] = start;
      const parent = parents[at];
      if (parent !== NONE && seenIn[parent] === start) parents[at] = NONE;
      at = parents[at];
    }
  }
}
