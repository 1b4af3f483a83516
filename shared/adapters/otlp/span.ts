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
