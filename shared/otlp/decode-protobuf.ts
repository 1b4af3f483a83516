import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { MAX_SPANS } from "../limits.ts";
import { toHex } from "../tlog/encoding.ts";
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
  type AttributeValue,
  type DecodedSpan,
  OtlpDecodeError,
} from "./span.ts";

/**
 * Reads the spans of an ExportTraceServiceRequest in OTLP's binary encoding
 * (opentelemetry/proto/trace/v1/trace.proto). Only the needed fields are read; all
 * others, content above all, are skipped without a copy, so the recursion is as deep
 * as the known messages.
 *
 * @throws {OtlpDecodeError} for any other body. A fault of one span rejects that span
 * alone.
 */
export function decodeProtobuf(bytes: Uint8Array): DecodedSpan[] {
  const spans: DecodedSpan[] = [];
  const reader = new BinaryReader(bytes);
  try {
    readFields(reader, bytes.length, (field, type) => {
      if (field !== 1) return false;
      readResourceSpans(reader, readLength(reader, type), spans);
    });
  } catch (error) {
    if (error instanceof OtlpDecodeError) throw error;
    throw new OtlpDecodeError(
      "The body is not a protobuf message: it is cut off or malformed",
    );
  }
  return spans;
}

function readResourceSpans(
  reader: BinaryReader,
  end: number,
  spans: DecodedSpan[],
): void {
  // Fields come in any order: the resource may follow the spans that refer to it.
  const resource = new Map<string, AttributeValue>();
  const scopes: number[] = [];
  readFields(reader, end, (field, type) => {
    if (field === 1) readResource(reader, readLength(reader, type), resource);
    else if (field === 2) {
      const scopeEnd = readLength(reader, type);
      scopes.push(reader.pos, scopeEnd);
      reader.pos = scopeEnd;
    } else return false;
  });
  for (let i = 0; i < scopes.length; i += 2) {
    reader.pos = scopes[i];
    readScopeSpans(reader, scopes[i + 1], resource, spans);
  }
  reader.pos = end;
}

function readResource(
  reader: BinaryReader,
  end: number,
  attributes: Map<string, AttributeValue>,
): void {
  readFields(reader, end, (field, type) => {
    if (field !== 1) return false;
    readKeyValue(reader, readLength(reader, type), attributes);
  });
}

function readScopeSpans(
  reader: BinaryReader,
  end: number,
  resource: Map<string, AttributeValue>,
  spans: DecodedSpan[],
): void {
  let scope = "";
  const raw: RawSpan[] = [];
  readFields(reader, end, (field, type) => {
    if (field === 1) scope = readName(reader, readLength(reader, type), 1);
    else if (field === 2) {
      if (spans.length + raw.length === MAX_SPANS) throw tooManySpans();
      raw.push(readRawSpan(reader, readLength(reader, type)));
    } else return false;
  });
  const source = { resource, scope, malformed: false };
  for (const span of raw) spans.push(readSpan(span, source));
}

/** The text of a field of a message whose other fields are not read. */
function readName(
  reader: BinaryReader,
  end: number,
  nameField: number,
): string {
  let name = "";
  readFields(reader, end, (field, type) => {
    if (field !== nameField) return false;
    name = readText(reader, type);
  });
  return name;
}

function readRawSpan(reader: BinaryReader, end: number): RawSpan {
  const attributes = new Map<string, AttributeValue>();
  const span: RawSpan = {
    traceId: "",
    spanId: "",
    parentSpanId: "",
    flags: 0,
    name: "",
    kind: 0,
    start: null,
    end: null,
    attributes,
    statusCode: 0,
    statusMessage: "",
    hasException: false,
  };
  readFields(reader, end, (field, type) => {
    if (field === 1) span.traceId = readId(reader, type);
    else if (field === 2) span.spanId = readId(reader, type);
    else if (field === 4) span.parentSpanId = readId(reader, type);
    else if (field === 5) span.name = readText(reader, type);
    else if (field === 6) span.kind = readVarint(reader, type);
    else if (field === 7) span.start = readTime(reader, type);
    else if (field === 8) span.end = readTime(reader, type);
    else if (field === 9) {
      readKeyValue(reader, readLength(reader, type), attributes);
    } else if (field === 11) {
      const event = readName(reader, readLength(reader, type), 2);
      span.hasException ||= event === EXCEPTION;
    } else if (field === 15) readStatus(reader, readLength(reader, type), span);
    else if (field === 16) span.flags = readFixed32(reader, type);
    else return false;
  });
  return span;
}

function readStatus(reader: BinaryReader, end: number, span: RawSpan): void {
  readFields(reader, end, (field, type) => {
    if (field === 2) span.statusMessage = readText(reader, type);
    else if (field === 3) span.statusCode = readVarint(reader, type);
    else return false;
  });
}

function readKeyValue(
  reader: BinaryReader,
  end: number,
  attributes: Map<string, AttributeValue>,
): void {
  let key = "";
  let value: [start: number, end: number] | undefined;
  readFields(reader, end, (field, type) => {
    if (field === 1) key = readText(reader, type);
    else if (field === 2) {
      const valueEnd = readLength(reader, type);
      value = [reader.pos, valueEnd];
      reader.pos = valueEnd;
    } else return false;
  });
  if (value === undefined || !isKept(key)) return;
  reader.pos = value[0];
  addAttribute(attributes, key, readValue(reader, value[1], true));
  reader.pos = end;
}

/** An AnyValue; undefined for bytes, nested lists and objects, which are not kept. */
function readValue(
  reader: BinaryReader,
  end: number,
  lists: boolean,
): AttributeValue | undefined {
  let value: AttributeValue | undefined;
  readFields(reader, end, (field, type) => {
    if (field === 1) value = readText(reader, type);
    else if (field === 2) value = readBool(reader, type);
    else if (field === 3) value = readInt64(reader, type);
    else if (field === 4) value = readDouble(reader, type);
    else if (field === 5 && lists) {
      value = readTexts(reader, readLength(reader, type));
    } else return false;
  });
  return value;
}

function readTexts(reader: BinaryReader, end: number): string[] {
  const texts: string[] = [];
  readFields(reader, end, (field, type) => {
    if (field !== 1) return false;
    const value = readValue(reader, readLength(reader, type), false);
    if (typeof value === "string") texts.push(value);
  });
  return texts;
}

/** Reads the current field, or returns false to skip it. */
type ReadField = (field: number, type: WireType) => boolean | void;

/**
 * Reads the fields of a message that ends at position `end`, and skips those for
 * which `readField` returns false.
 *
 * @throws for a malformed field, or one that does not end within the message.
 */
function readFields(
  reader: BinaryReader,
  end: number,
  readField: ReadField,
): void {
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (readField(field, type) === false) reader.skip(type, field);
  }
  if (reader.pos !== end) {
    throw new OtlpDecodeError(
      "The body is not a protobuf message: a field is longer than its message",
    );
  }
}

/** Reads the length of a message and returns the position of its end. */
function readLength(reader: BinaryReader, type: WireType): number {
  expectType(type, WireType.LengthDelimited);
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError("premature end");
  return end;
}

/** The bytes of an id as hexadecimal digits. */
function readId(reader: BinaryReader, type: WireType): string {
  expectType(type, WireType.LengthDelimited);
  // 17 bytes are enough to see that an id is too long.
  return toHex(reader.bytes().subarray(0, 17));
}

/** A string; bytes that are not UTF-8 become U+FFFD. */
function readText(reader: BinaryReader, type: WireType): string {
  expectType(type, WireType.LengthDelimited);
  return reader.string();
}

/** An enumeration or another small integer. */
function readVarint(reader: BinaryReader, type: WireType): number {
  expectType(type, WireType.Varint);
  return reader.int32();
}

/** An int64; beyond 2^53 the last digits are lost. */
function readInt64(reader: BinaryReader, type: WireType): number {
  expectType(type, WireType.Varint);
  return Number(reader.int64());
}

/** A bool. */
function readBool(reader: BinaryReader, type: WireType): boolean {
  expectType(type, WireType.Varint);
  return reader.bool();
}

/** A double. */
function readDouble(reader: BinaryReader, type: WireType): number {
  expectType(type, WireType.Bit64);
  return reader.double();
}

/** A fixed32. */
function readFixed32(reader: BinaryReader, type: WireType): number {
  expectType(type, WireType.Bit32);
  return reader.fixed32();
}

/** Nanoseconds since 1970, null for 0. */
function readTime(reader: BinaryReader, type: WireType): bigint | null {
  expectType(type, WireType.Bit64);
  const nanoseconds = BigInt(reader.fixed64());
  return isTime(nanoseconds) ? nanoseconds : null;
}

function expectType(found: WireType, expected: WireType): void {
  if (found !== expected) {
    throw new OtlpDecodeError(
      "The body is not an ExportTraceServiceRequest: a field has another type",
    );
  }
}
