import { MAX_SPANS } from "../limits.ts";
import { isUsageName } from "./aliases.ts";
import { KEPT_ATTRIBUTES } from "./attributes.ts";
import { isJsonAttribute, readJsonAttribute } from "./json-attributes.ts";
import {
  type Attributes,
  type AttributeValue,
  type DecodedSpan,
  OtlpDecodeError,
  type SpanSource,
} from "./span.ts";

/** A span of either encoding, before validation. */
export type RawSpan = {
  /** Hexadecimal digits if the id is valid. */
  traceId: unknown;
  spanId: unknown;
  parentSpanId: unknown;
  flags: number;
  name: string;
  kind: number;
  start: bigint | null;
  end: bigint | null;
  /** Null if the value was not a list. */
  attributes: Attributes | null;
  statusCode: number;
  statusMessage: string;
  /** Whether an event of the span is an exception. */
  hasException: boolean;
};

/** The name of an exception's event (OpenTelemetry, Exceptions on spans). */
export const EXCEPTION = "exception";

/** SpanFlags: HAS_IS_REMOTE and IS_REMOTE, of the parent. */
const REMOTE_PARENT = 0x300;
const STATUS_CODE_ERROR = 2;

/** Validates the ids and the attributes of a span. */
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
      ...(raw.hasException ? { hasException: true } : {}),
    },
  };
}

/** Text without NUL and unpaired surrogates, which Postgres cannot store. */
function cleanText(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}

/** Whether an attribute, or a part of it, is kept. */
export function isKept(key: string): boolean {
  return KEPT_ATTRIBUTES.has(key) || isJsonAttribute(key) || isUsageName(key);
}

/** Adds an attribute, or the members of its JSON, unless the name has a value already. */
export function addAttribute(
  attributes: Map<string, AttributeValue>,
  key: string,
  value: AttributeValue | undefined,
): void {
  if (value === undefined) return;
  if (isJsonAttribute(key)) {
    if (typeof value !== "string") return;
    for (const member of readJsonAttribute(key, value)) {
      addValue(attributes, ...member);
    }
  } else if (KEPT_ATTRIBUTES.has(key) || isCount(value)) {
    addValue(attributes, key, value);
  }
}

function addValue(
  attributes: Map<string, AttributeValue>,
  key: string,
  value: AttributeValue,
): void {
  if (attributes.has(key)) return;
  attributes.set(key, typeof value === "string" ? cleanText(value) : value);
}

function isCount(value: AttributeValue): boolean {
  return typeof value === "number" ||
    typeof value === "string" && /^\d{1,15}$/.test(value);
}

/** Whether this is a time in nanoseconds since 1970; 0 means unset. */
export function isTime(nanoseconds: bigint): boolean {
  return nanoseconds > 0n && nanoseconds < 1n << 64n;
}

/** The error for an export with more than `MAX_SPANS` spans. */
export function tooManySpans(): OtlpDecodeError {
  return new OtlpDecodeError(
    `An export has at most ${MAX_SPANS} spans; send smaller batches`,
    413,
  );
}

/** An id in lower case; null if it is malformed (W3C Trace Context §3.2.2). */
function readId(value: unknown, digits: number): string | null {
  if (typeof value !== "string" || value.length !== digits) return null;
  return /^[0-9a-f]+$/i.test(value) && /[^0]/.test(value)
    ? value.toLowerCase()
    : null;
}

/** The parent of a root span is missing, empty or zero. */
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
