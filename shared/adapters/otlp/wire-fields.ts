import { type BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { encodeHex } from "@std/encoding/hex.js";
import { isTime } from "./read-span.ts";
import { OtlpDecodeError } from "./span.ts";

/** Reads the field at hand, or returns false for one that it does not know. */
export type ReadField = (field: number, type: WireType) => boolean | void;

/**
 * Reads the fields of a message that ends at `end` and steps over those that
 * `readField` does not know.
 *
 * @throws when the last field ends elsewhere, or a field cannot be read.
 */
export function readFields(
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
      "The body is not a protobuf message: a field is longer than what holds it",
    );
  }
}

/** Where the message ends that starts at the reader's position after this. */
export function readLength(reader: BinaryReader, type: WireType): number {
  expectType(type, WireType.LengthDelimited);
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError("premature end");
  return end;
}

/** The bytes of an id as hexadecimal digits. */
export function readId(reader: BinaryReader, type: WireType): string {
  expectType(type, WireType.LengthDelimited);
  // One byte more than any id has shows that this one is too long.
  return encodeHex(reader.bytes().subarray(0, 17));
}

/** A string; bytes that are not UTF-8 become U+FFFD. */
export function readText(reader: BinaryReader, type: WireType): string {
  expectType(type, WireType.LengthDelimited);
  return reader.string();
}

/** An enumeration or another small integer. */
export function readVarint(reader: BinaryReader, type: WireType): number {
  expectType(type, WireType.Varint);
  return reader.int32();
}

/** An int64; what is beyond 2^53 loses its last digits. */
export function readInt64(reader: BinaryReader, type: WireType): number {
  expectType(type, WireType.Varint);
  return Number(reader.int64());
}

/** A bool. */
export function readBool(reader: BinaryReader, type: WireType): boolean {
  expectType(type, WireType.Varint);
  return reader.bool();
}

/** A double. */
export function readDouble(reader: BinaryReader, type: WireType): number {
  expectType(type, WireType.Bit64);
  return reader.double();
}

/** A fixed32. */
export function readFixed32(reader: BinaryReader, type: WireType): number {
  expectType(type, WireType.Bit32);
  return reader.fixed32();
}

/** Nanoseconds since 1970, null for 0. */
export function readTime(reader: BinaryReader, type: WireType): bigint | null {
  expectType(type, WireType.Bit64);
  const nanoseconds = BigInt(reader.fixed64());
  return isTime(nanoseconds) ? nanoseconds : null;
}

function expectType(found: WireType, wanted: WireType): void {
  if (found !== wanted) {
    throw new OtlpDecodeError(
      "The body is not an ExportTraceServiceRequest: a field has another type",
    );
  }
}
