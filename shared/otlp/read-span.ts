import { MAX_SPANS } from "../limits.ts";
import {
  type Attributes,
  type AttributeValue,
  type DecodedSpan,
  OtlpDecodeError,
  type SpanSource,
} from "./span.ts";

/** A span as either encoding gives it, before its ids are known to be good. */
export type RawSpan = {
  /** Hexadecimal digits, or whatever else was sent as an id. */
  traceId: unknown;
  spanId: unknown;
  parentSpanId: unknown;
  flags: number;
  name: string;
  kind: number;
  start: bigint | null;
  end: bigint | null;
  /** Null when they were not sent as a list. */
  attributes: Attributes | null;
  statusCode: number;
  statusMessage: string;
};

/** SpanFlags: whether it is known that the parent is remote, and that it is. */
const REMOTE_PARENT = 0x300;
const STATUS_CODE_ERROR = 2;

/** Checks what makes a span one: its ids and its attributes. */
export function readSpan(
  raw: RawSpan,
  source: SpanSource & { malformed: boolean },
): DecodedSpan {
  const traceId = readId(raw.traceId, 32);
  const spanId = readId(raw.spanId, 16);
  const parentSpanId = isAbsent(raw.parentSpanId)
    ? null
    : readId(raw.parentSpanId, 16);
  const reject = (reason: string) => ({ rejection: { spanId, reason } });
  if (traceId === null) return reject(explainId("traceId", 32));
  if (spanId === null) return reject(explainId("spanId", 16));
  if (parentSpanId === null && !isAbsent(raw.parentSpanId)) {
    return reject(explainId("parentSpanId", 16));
  }
  if (source.malformed) return reject(explainAttributes("the resource"));
  if (raw.attributes === null) return reject(explainAttributes("the span"));
  return {
    span: {
      resource: source.resource,
      scope: source.scope,
      traceId,
      spanId,
      parentSpanId,
      remoteParent: (raw.flags & REMOTE_PARENT) === REMOTE_PARENT,
      name: raw.name,
      kind: raw.kind,
      start: raw.start,
      end: raw.end,
      attributes: raw.attributes,
      failed: raw.statusCode === STATUS_CODE_ERROR,
      statusMessage: cleanText(raw.statusMessage),
    },
  };
}

/** Text without what Postgres cannot store: NUL and halves of surrogate pairs. */
function cleanText(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}

/** Adds an attribute; the first one of a name stays, whatever comes later. */
export function addAttribute(
  attributes: Map<string, AttributeValue>,
  key: string,
  value: AttributeValue | undefined,
): void {
  if (value === undefined || attributes.has(key)) return;
  attributes.set(key, typeof value === "string" ? cleanText(value) : value);
}

/** Whether these are nanoseconds since 1970; 0 means that the timestamp is unset. */
export function isTime(nanoseconds: bigint): boolean {
  return nanoseconds > 0n && nanoseconds < 1n << 64n;
}

/** More spans than one export may have, for either encoding. */
export function tooManySpans(): OtlpDecodeError {
  return new OtlpDecodeError(
    `An export has at most ${MAX_SPANS} spans; send smaller batches`,
    413,
  );
}

/** An id in lower case, or null when it is none (W3C Trace Context §3.2.2). */
function readId(value: unknown, digits: number): string | null {
  if (typeof value !== "string" || value.length !== digits) return null;
  return /^[0-9a-f]+$/i.test(value) && /[^0]/.test(value)
    ? value.toLowerCase()
    : null;
}

/** A root span's parent is left out, empty or zero. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === "" ||
    value === "0".repeat(16);
}

function explainId(name: string, digits: number): string {
  return `${name} is not an id: send ${digits} hexadecimal digits (${
    digits / 2
  } bytes in protobuf), not all zero`;
}

function explainAttributes(owner: string): string {
  return `The attributes of ${owner} are not a list: send [{"key": …, "value": {"stringValue": …}}, …]`;
}
