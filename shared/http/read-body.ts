import { parseMediaType } from "@std/media_types/parse_media_type.js";
import { type Issue, toPointer } from "../issue.ts";
import {
  BODY_TIMEOUT_MS,
  MAX_BODY_BYTES,
  MAX_FAULTS,
  UNVERIFIED_BODY_TIMEOUT_MS,
} from "../limits.ts";
import type { EventSchema, LogEvent } from "../logs/log.ts";
import { validateEvent } from "../logs/validate-event.ts";
import type { UnverifiedKind } from "./admission.ts";
import type { Context } from "./context.ts";
import { isObject, parseJson } from "./json.ts";
import { createProblem, overloaded, ProblemError } from "./problem.ts";
import { type JsonIssue, JsonSyntaxError } from "./strict-json.ts";

/** The part of the context that reading a body needs. */
type BodyContext = Pick<Context, "request" | "permit" | "annotate">;

/** The format of a body, by its media type. */
export type BodyFormat = "json" | "ndjson";

const FORMATS: Record<string, BodyFormat> = {
  "application/json": "json",
  "application/x-ndjson": "ndjson",
  "application/ndjson": "ndjson",
  "application/jsonl": "ndjson",
};

/**
 * Reads the body of a request as UTF-8 text, at most `MAX_BODY_BYTES` after
 * decompression.
 *
 * @throws {ProblemError} 400 for an invalid body, 408 for a slow one, 413 for a large
 * one, 415 for an unsupported media type, charset or content encoding, 503 when the
 * instance is overloaded.
 */
export async function readBody(
  ctx: BodyContext,
): Promise<{ format: BodyFormat; text: string }> {
  const format = readFormat(ctx.request.headers.get("content-type"));
  return { format, text: decodeText(await readBytes(ctx)) };
}

/** How a body is read. */
export type ReadOptions = {
  /** Bytes after decompression. */
  maxBytes?: number;
  /** Milliseconds in which the body must arrive. */
  timeoutMs?: number;
  /** The credential that only the body can prove, of a sender who is not verified yet. */
  unverified?: UnverifiedKind;
};

/**
 * Reads the body of a request as bytes, at most `maxBytes` after decompression; none
 * without a body. Bodies of senders who are not verified yet have a smaller share of
 * the instance's memory and less time, and make room for newer ones.
 *
 * @throws {ProblemError} 400 for an invalid body, 408 for a slow one, 413 for a large
 * one, 415 for an unsupported content encoding, 503 when the instance is overloaded.
 */
export async function readBytes(
  ctx: BodyContext,
  {
    maxBytes = MAX_BODY_BYTES,
    unverified,
    timeoutMs = unverified ? UNVERIFIED_BODY_TIMEOUT_MS : BODY_TIMEOUT_MS,
  }: ReadOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { request, permit } = ctx;
  const gzip = isGzip(request.headers.get("content-encoding"));
  if (Number(request.headers.get("content-length")) > maxBytes) {
    throw tooLarge(maxBytes);
  }
  if (request.body === null) return new Uint8Array();
  const stop = new AbortController();
  const body = unverified &&
    permit.enterUnverified(unverified, () => stop.abort(overloaded()));
  const timer = setTimeout(() => stop.abort(tooSlow(timeoutMs)), timeoutMs);
  const inflated = gzip
    ? request.body.pipeThrough(new DecompressionStream("gzip"))
    : request.body;
  let length = 0;
  const count = (bytes: number) => {
    length += bytes;
    ctx.annotate({ body_bytes: length });
    if (length > maxBytes) throw tooLarge(maxBytes);
    if (body) body.take(bytes);
    else permit.take("bytes", bytes);
  };
  try {
    const bytes = await collect(inflated, gzip, stop.signal, count);
    body?.leave();
    // The answer to a login must not depend on the load.
    if (unverified === "auth") permit.takeIfFree("bytes", length);
    else if (unverified) permit.take("bytes", length);
    return bytes;
  } finally {
    clearTimeout(timer);
    body?.leave();
  }
}

/** What a lenient decoder writes for bytes that are not UTF-8: `parseJson` reports it. */
const LONE_SURROGATE = "\ud800";

/**
 * Decodes a body as UTF-8. A `lenient` decoder accepts invalid bytes, so that those of
 * one event are an issue of that event alone.
 *
 * @throws {ProblemError} 400 when it is empty or not UTF-8.
 */
export function decodeText(
  bytes: Uint8Array<ArrayBuffer>,
  { lenient = false }: { lenient?: boolean } = {},
): string {
  try {
    // Ignores a byte order mark, as RFC 8259 §8.1 allows.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (text.trim() === "") throw invalid("The body is empty");
    return text;
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    if (!lenient) throw invalid("The body is not UTF-8; encode it in UTF-8");
    return new TextDecoder().decode(bytes).replaceAll("\ufffd", LONE_SURROGATE);
  }
}

/**
 * Reads the `Content-Type` of a body.
 *
 * @throws {ProblemError} 415 unless it is JSON or NDJSON in UTF-8.
 */
export function readFormat(header: string | null): BodyFormat {
  const remedy =
    "send application/json or application/x-ndjson, in UTF-8, as Content-Type";
  if (!header) throw unsupported("The Content-Type is missing", remedy);
  let type, charset;
  try {
    const [mediaType, parameters] = parseMediaType(header);
    type = mediaType;
    charset = parameters?.charset ?? "utf-8";
  } catch {
    throw unsupported("The Content-Type cannot be read", remedy);
  }
  const format = FORMATS[type];
  if (format === undefined || charset.toLowerCase() !== "utf-8") {
    throw unsupported("The Content-Type is not supported", remedy);
  }
  return format;
}

/**
 * Parses the text of a body.
 *
 * @throws {ProblemError} 400 when it is not JSON.
 */
export function parseBody(
  text: string,
): { value: unknown; issues: JsonIssue[] } {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw invalid(error.message);
  }
}

/** A JSON issue as an issue whose pointer starts `depth` steps below the root. */
export function toIssue(
  { path, code, detail }: JsonIssue,
  depth: number,
): Issue {
  return { pointer: toPointer(path.slice(depth)), code, detail };
}

/**
 * Reads the body of a request that is not an event, one object, and validates it like
 * an event. The members `fixed` take precedence over those of the body.
 *
 * @throws {ProblemError} 422 with all issues; those of `readBody`.
 */
export async function readMembers(
  ctx: BodyContext,
  schema: EventSchema,
  fixed: LogEvent = {},
): Promise<LogEvent> {
  const { value: sent, issues } = parseBody((await readBody(ctx)).text);
  const value = isObject(sent) ? { ...sent, ...fixed } : sent;
  if (issues.length > 0) {
    throw refuseRequest(
      issues.slice(0, MAX_FAULTS).map((issue) => toIssue(issue, 0)),
    );
  }
  const result = validateEvent(schema, value);
  if (result.event === null) throw refuseRequest(result.issues);
  return result.event;
}

/** A 422 with the issues of a request that is not an event. */
export function refuseRequest(issues: Issue[]): ProblemError {
  const detail = issues.length === 1
    ? `${issues[0].pointer || "The body"}: ${issues[0].detail}`
    : `${issues.length} issues; errors lists them all`;
  return new ProblemError(
    createProblem("invalid_request", detail, { errors: issues }),
  );
}

function isGzip(header: string | null): boolean {
  const encoding = (header ?? "identity").trim().toLowerCase();
  if (encoding === "gzip" || encoding === "x-gzip") return true;
  if (encoding === "identity") return false;
  throw new ProblemError(
    createProblem(
      "unsupported_encoding",
      "The Content-Encoding is not supported; send gzip, or none",
    ),
    { "accept-encoding": "gzip" },
  );
}

/**
 * Content-Length may be false and gzip may be a bomb, so the bytes are counted as they
 * arrive; a client may stall, so `signal` ends the reading with a problem.
 */
async function collect(
  stream: ReadableStream<Uint8Array>,
  gzip: boolean,
  signal: AbortSignal,
  count: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  const reader = stream.getReader();
  // Not awaited, because a sender that stalls may not confirm it either.
  const stop = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) break;
      count(value.length);
      chunks.push(value);
    }
  } catch (error) {
    stop();
    if (error instanceof ProblemError) throw error;
    throw invalid(
      gzip
        ? "The body is not valid gzip, or ended early; send it again"
        : "The body ended early; send it again",
    );
  }
  return join(chunks);
}

function join(chunks: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

function invalid(detail: string) {
  return new ProblemError(createProblem("invalid_body", detail));
}

function unsupported(fact: string, remedy: string) {
  return new ProblemError(
    createProblem("unsupported_media_type", `${fact}; ${remedy}`),
    { accept: "application/json, application/x-ndjson" },
  );
}

function tooSlow(timeoutMs: number) {
  return new ProblemError(
    createProblem(
      "body_timeout",
      `The body did not arrive within ${
        timeoutMs / 1_000
      } seconds; send it again`,
    ),
  );
}

function tooLarge(maxBytes: number) {
  return new ProblemError(
    createProblem(
      "body_too_large",
      `The body exceeds ${maxBytes} bytes after decompression; send several requests`,
    ),
  );
}
