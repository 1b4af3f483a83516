import { redactSecrets } from "../redaction/secrets.ts";
import { addFault, type Draft, setMember } from "./draft.ts";
import { toMicroseconds, toMoment } from "./moments.ts";
import { findFirst, readPointer } from "./payload.ts";

/** What the column takes; LiteLLM's messages can be megabytes long. */
const MAX_ERROR_LENGTH = 16_384;

/**
 * Reads whether a call succeeded, and why not. Without a `status` it did, unless
 * there is an error.
 */
export function readOutcome(payload: unknown, draft: Draft): void {
  const error = findFirst(payload, [
    "/error_str",
    "/error_information/error_message",
    "/error_information/error_class",
  ]);
  const status = readPointer(payload, "/status") ??
    (error === null ? "success" : "failure");
  if (status !== "success" && status !== "failure") {
    addFault(
      draft,
      "/status",
      "invalid_value",
      "Expected success or failure",
    );
    return;
  }
  setMember(draft, "success", status === "success", "/status");
  if (status === "success" || typeof error?.value !== "string") return;
  const message = shortenError(error.value);
  setMember(draft, "error_message", message, error.pointer);
}

/**
 * Reads when a call ended, which is its event's time, and how long it took.
 * `response_time` is not used: of a stream it is the time to the first token.
 */
export function readTimes(payload: unknown, draft: Draft): void {
  const start = findFirst(payload, ["/startTime"]);
  const end = findFirst(payload, ["/endTime"]);
  for (const found of [start, end]) {
    if (found === null || toMicroseconds(found.value) !== null) continue;
    const detail =
      "Expected seconds since 1970, or ISO 8601 such as 2026-01-31T12:00:00.5Z";
    addFault(draft, found.pointer, "invalid_value", detail);
  }
  const when = end ?? start;
  if (when !== null) {
    const moment = toMoment(when.value) ?? undefined;
    setMember(draft, "created_at", moment, when.pointer);
  }
  const from = toMicroseconds(start?.value);
  const to = toMicroseconds(end?.value);
  if (from === null || to === null || to < from) return;
  const latency = Math.round((to - from) / 1_000);
  setMember(draft, "latency_ms", latency, "/endTime");
}

/** Redacts before it cuts: half a secret would no longer look like one. */
function shortenError(text: string): string | undefined {
  const storable = text.slice(0, 4 * MAX_ERROR_LENGTH).replaceAll("\0", "")
    .toWellFormed();
  const short = redactSecrets(storable).slice(0, MAX_ERROR_LENGTH)
    .toWellFormed();
  return short.trim() === "" ? undefined : short;
}
