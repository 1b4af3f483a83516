import { MAX_INTEGER } from "../limits.ts";

/** The value of a kept attribute. Lists hold their text items only. */
export type AttributeValue = string | number | boolean | string[];

/** The attributes of `KEPT_ATTRIBUTES`, by name. */
export type Attributes = ReadonlyMap<string, AttributeValue>;

/** The resource and the scope of a span. */
export type SpanSource = {
  /** Attributes of the resource. */
  resource: Attributes;
  /** Name of the instrumentation scope; "" if there is none. */
  scope: string;
};

/** The fields of a span that are read (opentelemetry.proto.trace.v1.Span): no content. */
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
  /** Nanoseconds since 1970; null if missing or malformed. */
  start: bigint | null;
  /** As `start`. */
  end: bigint | null;
  attributes: Attributes;
  /** Whether the status is STATUS_CODE_ERROR. */
  failed: boolean;
  /** The message of the status; "" if there is none. */
  statusMessage: string;
  /** Whether an event of the span is an exception, which may have been handled. */
  hasException?: true;
};

/** The kinds in use of opentelemetry.proto.trace.v1.Span.SpanKind. */
export const SPAN_KIND = { server: 2, client: 3 } as const;

/** A call that is not recorded, with the reason. */
export type Rejection = {
  /** Null if the span's id is malformed. */
  spanId: string | null;
  /** One sentence with a remedy; never holds a value of the span. */
  reason: string;
};

/** A span of an export, or its rejection. */
export type DecodedSpan = { span: Span } | { rejection: Rejection };

/** The body is not a valid ExportTraceServiceRequest; `message` says why. */
export class OtlpDecodeError extends Error {
  override name = "OtlpDecodeError";

  constructor(
    message: string,
    /** The HTTP status of the answer: 400 for malformed, 413 for too large. */
    readonly status: 400 | 413 = 400,
  ) {
    super(message);
  }
}

/** Nanoseconds since 1970 as RFC 3339 in UTC, truncated to microseconds. */
export function formatNanoseconds(time: bigint): string {
  const seconds = new Date(Number(time / 1_000_000_000n) * 1_000).toISOString()
    .slice(0, 19);
  const microseconds = (time % 1_000_000_000n) / 1_000n;
  return `${seconds}.${String(microseconds).padStart(6, "0")}Z`;
}

/**
 * The duration of a span in whole milliseconds, rounded; undefined if a time is
 * missing, the end is before the start, or the column cannot hold it.
 */
export function readDuration({ start, end }: Span): number | undefined {
  if (start === null || end === null || end < start) return undefined;
  const milliseconds = (end - start + 500_000n) / 1_000_000n;
  return milliseconds > BigInt(MAX_INTEGER) ? undefined : Number(milliseconds);
}

/** The parent index of a root span. */
export const NONE = -1;

/**
 * The index of each span's parent in the same list, or `NONE` if the parent is not in
 * the list. Cycles are cut.
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
 * For each index the nearest ancestor that `accepts`, or `NONE`. Linear in the number
 * of spans, whatever their depth. `parents` must be acyclic.
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
    for (const visited of path) nearest[visited] = found;
  }
  return nearest as number[];
}

function cutCycles(parents: number[]): void {
  const visitedFrom = new Array<number>(parents.length).fill(NONE);
  for (const start of parents.keys()) {
    let at = start;
    while (at !== NONE && visitedFrom[at] === NONE) {
      visitedFrom[at] = start;
      const parent = parents[at];
      if (parent !== NONE && visitedFrom[parent] === start) parents[at] = NONE;
      at = parents[at];
    }
  }
}
