import { isObject, type JsonObject } from "../http/json.ts";
import { MAX_SPANS } from "../limits.ts";
import { parseLenient } from "./json-attributes.ts";
import {
  addAttribute,
  EXCEPTION,
  isKept,
  isTime,
  type RawSpan,
  readSpan,
  tooManySpans,
} from "./read-span.ts";
import {
  type Attributes,
  type AttributeValue,
  type DecodedSpan,
  OtlpDecodeError,
} from "./span.ts";

/**
 * Reads the spans of an ExportTraceServiceRequest in OTLP's JSON encoding
 * (opentelemetry-proto, docs/specification.md, JSON Protobuf Encoding): ids in
 * hexadecimal, 64-bit integers as strings or numbers, unknown members ignored.
 * Enumerations may also be names, as some senders write them. An empty body is an
 * empty request.
 *
 * @throws {OtlpDecodeError} for any other body. A fault of one span rejects that span
 * alone.
 */
export function decodeJson(bytes: Uint8Array): DecodedSpan[] {
  const spans: DecodedSpan[] = [];
  const request = asObject(parse(bytes), "The body");
  for (const [i, part] of asList(request, "resourceSpans").entries()) {
    const resourceSpans = asObject(part, `resourceSpans[${i}]`);
    const resource = optional(resourceSpans, "resource");
    const attributes = readAttributes(resource.attributes);
    for (const [j, item] of asList(resourceSpans, "scopeSpans").entries()) {
      const scopeSpans = asObject(item, `scopeSpans[${j}]`);
      const source = {
        resource: attributes ?? new Map(),
        scope: asText(optional(scopeSpans, "scope").name),
        malformed: attributes === null,
      };
      for (const span of asList(scopeSpans, "spans")) {
        if (spans.length === MAX_SPANS) throw tooManySpans();
        spans.push(readSpan(toRawSpan(span), source));
      }
    }
  }
  return spans;
}

function parse(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return {};
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new OtlpDecodeError("The body is not UTF-8");
  }
  const value = parseLenient(text);
  // The parser's message would repeat a part of the body.
  if (value === undefined) throw new OtlpDecodeError("The body is not JSON");
  return value;
}

function toRawSpan(value: unknown): RawSpan {
  const span = isObject(value) ? value : {};
  const status = optional(span, "status");
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    flags: typeof span.flags === "number" ? span.flags : 0,
    name: asText(span.name),
    kind: readEnum(span.kind, SPAN_KINDS),
    start: readTime(span.startTimeUnixNano),
    end: readTime(span.endTimeUnixNano),
    attributes: readAttributes(span.attributes),
    statusCode: readEnum(status.code, STATUS_CODES),
    statusMessage: asText(status.message),
    hasException: Array.isArray(span.events) &&
      span.events.some((event) => isObject(event) && event.name === EXCEPTION),
  };
}

const SPAN_KINDS = [
  "UNSPECIFIED",
  "INTERNAL",
  "SERVER",
  "CLIENT",
  "PRODUCER",
  "CONSUMER",
];
const STATUS_CODES = ["UNSET", "OK", "ERROR"];

/** OTLP requires the number; some senders write "SPAN_KIND_CLIENT" or "client". */
function readEnum(value: unknown, names: string[]): number {
  if (typeof value === "number") return value;
  const name = asText(value).toUpperCase().replace(/^.*(KIND|CODE)_/, "");
  return Math.max(names.indexOf(name), 0);
}

function readTime(value: unknown): bigint | null {
  const nanoseconds = typeof value === "string" && /^\d{1,20}$/.test(value)
    ? BigInt(value)
    : Number.isInteger(value) && (value as number) >= 0
    ? BigInt(value as number)
    : 0n;
  return isTime(nanoseconds) ? nanoseconds : null;
}

/** The kept attributes; null if the value is not a list. */
function readAttributes(value: unknown): Attributes | null {
  const attributes = new Map<string, AttributeValue>();
  if (value === undefined || value === null) return attributes;
  if (!Array.isArray(value)) return null;
  for (const item of value) {
    if (!isObject(item) || typeof item.key !== "string") continue;
    if (!isKept(item.key)) continue;
    addAttribute(attributes, item.key, readValue(item.value));
  }
  return attributes;
}

/** An AnyValue; undefined for bytes and objects, which are not kept. */
function readValue(value: unknown): AttributeValue | undefined {
  if (!isObject(value)) return undefined;
  const { stringValue, boolValue, intValue, doubleValue, arrayValue } = value;
  if (typeof stringValue === "string") return stringValue;
  if (typeof boolValue === "boolean") return boolValue;
  if (isNumeric(intValue)) return Number(intValue);
  if (isNumeric(doubleValue)) return Number(doubleValue);
  if (!isObject(arrayValue) || !Array.isArray(arrayValue.values)) return;
  return arrayValue.values
    .map((item) => isObject(item) ? item.stringValue : undefined)
    .filter((item) => typeof item === "string");
}

/** A number, or a string with one: the JSON mapping of protobuf allows both. */
function isNumeric(value: unknown): value is number | string {
  return typeof value === "number" ||
    typeof value === "string" && value.trim() !== "";
}

function asObject(value: unknown, name: string): JsonObject {
  if (isObject(value)) return value;
  throw new OtlpDecodeError(`${name} is not an object`);
}

function optional(object: JsonObject, key: string): JsonObject {
  return isObject(object[key]) ? object[key] : {};
}

function asList(object: JsonObject, key: string): unknown[] {
  const value = object[key] ?? [];
  if (Array.isArray(value)) return value;
  throw new OtlpDecodeError(`${key} is not a list`);
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
