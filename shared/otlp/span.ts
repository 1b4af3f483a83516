import { MAX_INTEGER } from "../limits.ts";

/** The value of an attribute that we keep. Lists hold text; other items are left out. */
export type AttributeValue = string | number | boolean | string[];

/** Attributes by name, only those of `KEPT_ATTRIBUTES`. */
export type Attributes = ReadonlyMap<string, AttributeValue>;

/** Where a span comes from: shared by all spans of a resource and scope. */
export type SpanSource = {
  /** Attributes of the resource. */
  resource: Attributes;
  /** Name of the instrumentation scope, "" when there is none. */
  scope: string;
};

/** What we read of a span (opentelemetry.proto.trace.v1.Span): never content. */
export type Span = SpanSource & {
  /** 32 lower-case hexadecimal digits, not all zero. */
  traceId: string;
  /** 16 lower-case hexadecimal digits, not all zero. */
  spanId: string;
  /** As `spanId`; null for a root span. */
  parentSpanId: string | null;
  /** Whether the span's flags say that its parent ran in another process. */
  remoteParent: boolean;
  name: string;
  /** The number of the SpanKind. */
  kind: number;
  /** Nanoseconds since 1970, null when missing or not a time. */
  start: bigint | null;
  /** As `start`. */
  end: bigint | null;
  attributes: Attributes;
  /** Whether the status is STATUS_CODE_ERROR. */
  failed: boolean;
  /** The message of the status, "" when there is none. */
  statusMessage: string;
};

/** SpanKind (opentelemetry.proto.trace.v1.Span.SpanKind), as far as it matters. */
export const SPAN_KIND = { server: 2, client: 3 } as const;

/** A span that is not recorded although it should be, and why. */
export type Rejection = {
  /** Null when the span's own id cannot be read. */
  spanId: string | null;
  /** One sentence that says what to change; never holds a value of the span. */
  reason: string;
};

/** Each span of an export, or why it cannot be read. */
export type DecodedSpan = { span: Span } | { rejection: Rejection };

/** The body is not an ExportTraceServiceRequest; `message` says why. */
export class OtlpDecodeError extends Error {
  override name = "OtlpDecodeError";

  constructor(
    message: string,
    /** The HTTP status of the answer: 400 for broken, 413 for too much. */
    readonly status: 400 | 413 = 400,
  ) {
    super(message);
  }
}

/** Nanoseconds since 1970 as RFC 3339 in UTC; what is finer than µs is cut off. */
export function formatNanoseconds(time: bigint): string {
  const seconds = new Date(Number(time / 1_000_000_000n) * 1_000).toISOString()
    .slice(0, 19);
  const microseconds = (time % 1_000_000_000n) / 1_000n;
  return `${seconds}.${String(microseconds).padStart(6, "0")}Z`;
}

/**
 * How long a span took in whole milliseconds, rounded; undefined when a time is
 * missing, the end lies before the start, or it is more than a column holds.
 */
export function readDuration({ start, end }: Span): number | undefined {
  if (start === null || end === null || end < start) return undefined;
  const milliseconds = (end - start + 500_000n) / 1_000_000n;
  return milliseconds > BigInt(MAX_INTEGER) ? undefined : Number(milliseconds);
}

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
