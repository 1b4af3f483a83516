import { MAX_INTEGER } from "../../limits.ts";
import type { Span } from "./span.ts";

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
