import { parseMediaType } from "@std/media_types/parse_media_type.js";
import { BODY_TIMEOUT_MS, MAX_BODY_BYTES } from "../limits.ts";
import type { Context } from "./context.ts";
import { createProblem, ProblemError } from "./problem.ts";
import { type Issue, toPointer } from "../issue.ts";
import type { EventSchema, LogEvent } from "../logs/log.ts";
import { validateEvent } from "../logs/validate-event.ts";
import { parseJson } from "./json.ts";
import { JsonSyntaxError } from "./strict-json.ts";

/** The part of a request's context that reading its body takes. */
type BodyContext = Pick<Context, "request" | "permit" | "annotate">;

/** How the events of a body are separated. */
export type BodyFormat = "json" | "ndjson";

const FORMATS: Record<string, BodyFormat> = {
  "application/json": "json",
  "application/x-ndjson": "ndjson",
  "application/ndjson": "ndjson",
  "application/jsonl": "ndjson",
};

/**
 * Reads a request's body as UTF-8 text, inflating gzip, and never holds more
 * than `MAX_BODY_BYTES` of it.
 *
 * @throws {ProblemError} 400 for a broken body, 408 for a slow one, 413 for a
 * long one, 415 for a media type, charset or content encoding that is not
 * supported, 503 when the instance is overloaded.
 */
export async function readBody(
  ctx: BodyContext,
): Promise<{ format: BodyFormat; text: string }> {
  const format = readFormat(ctx.request.headers.get("content-type"));
  return { format, text: decodeText(await readBytes(ctx)) };
}

/**
 * The bytes of a request's body, inflated, of which it never holds more than
 * `maxBytes`. None for a request without a body.
 *
 * @throws {ProblemError} 400 for a broken body, 408 for a slow one, 413 for a
 * long one, 415 for a content encoding that is not supported, 503 when the
 * instance is overloaded.
 */
export async function readBytes(
  ctx: BodyContext,
  maxBytes = MAX_BODY_BYTES,
): Promise<Uint8Array<ArrayBuffer>> {
  const { request } = ctx;
  const gzip = readEncoding(request.headers.get("content-encoding"));
  if (Number(request.headers.get("content-length")) > maxBytes) {
    throw tooLarge(maxBytes);
  }
  if (request.body === null) return new Uint8Array();
  const inflated = gzip
    ? request.body.pipeThrough(new DecompressionStream("gzip"))
    : request.body;
  let length = 0;
  const count = (bytes: number) => {
    length += bytes;
    ctx.annotate({ body_bytes: length });
    if (length > maxBytes) throw tooLarge(maxBytes);
    ctx.permit.take("bytes", bytes);
  };
  return await collect(inflated, gzip, count);
}

/**
 * The text of a body.
 *
 * @throws {ProblemError} 400 when it is empty, or not UTF-8.
 */
export function decodeText(bytes: Uint8Array<ArrayBuffer>): string {
  try {
    // A byte order mark is dropped, as RFC 8259 §8.1 allows.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (text.trim() === "") throw invalid("The body is empty");
    return text;
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    throw invalid("The body is not UTF-8");
  }
}

/** @throws {ProblemError} 415 for a media type that is not JSON in UTF-8. */
export function readFormat(header: string | null): BodyFormat {
  const wanted =
    "send application/json or application/x-ndjson, in UTF-8, as Content-Type";
  if (!header) throw unsupported("Content-Type is missing", wanted);
  let type, charset;
  try {
    const [mediaType, parameters] = parseMediaType(header);
    type = mediaType;
    charset = parameters?.charset ?? "utf-8";
  } catch {
    throw unsupported("The Content-Type cannot be read", wanted);
  }
  const format = FORMATS[type];
  if (format === undefined || charset.toLowerCase() !== "utf-8") {
    throw unsupported("The Content-Type is not supported", wanted);
  }
  return format;
}

function readEncoding(header: string | null): boolean {
  const encoding = (header ?? "identity").trim().toLowerCase();
  if (encoding === "gzip" || encoding === "x-gzip") return true;
  if (encoding === "identity") return false;
  throw new ProblemError(
    createProblem(
      "unsupported_encoding",
      "The Content-Encoding is not supported: send gzip, or none",
    ),
    { "accept-encoding": "gzip" },
  );
}

/**
 * Content-Length may lie and gzip may explode, so the bytes are counted as they
 * come; and a client may stop in the middle, so they have to come in time.
 */
async function collect(
  stream: ReadableStream<Uint8Array>,
  gzip: boolean,
  count: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  const reader = stream.getReader();
  // Not awaited: a sender that does not answer would hold us up once more.
  const stop = () => void reader.cancel().catch(() => {});
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    stop();
  }, BODY_TIMEOUT_MS);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isLate) throw tooSlow();
      if (done) break;
      count(value.length);
      chunks.push(value);
    }
  } catch (error) {
    stop();
    if (error instanceof ProblemError) throw error;
    throw invalid(
      gzip
        ? "The body is not valid gzip, or ended too early"
        : "The body ended too early",
    );
  } finally {
    clearTimeout(timer);
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

function unsupported(found: string, wanted: string) {
  return new ProblemError(
    createProblem("unsupported_media_type", `${found}: ${wanted}`),
    { accept: "application/json, application/x-ndjson" },
  );
}

function tooSlow() {
  return new ProblemError(
    createProblem(
      "body_timeout",
      `A body has to arrive within ${BODY_TIMEOUT_MS / 1_000} seconds`,
    ),
  );
}

function tooLarge(maxBytes: number) {
  return new ProblemError(
    createProblem(
      "body_too_large",
      `A body has at most ${maxBytes} bytes after decompression; send several requests`,
    ),
  );
}

/**
 * The one object of a request that is not about events, checked like an event.
 *
 * @throws {ProblemError} 422 with every issue; 400, 413 or 415 for a body that
 * cannot be read.
 */
export async function readMembers(
  ctx: BodyContext,
  schema: EventSchema,
): Promise<LogEvent> {
  const { value, issues } = parse((await readBody(ctx)).text);
  if (issues.length > 0) throw refuseRequest(issues);
  const result = validateEvent(schema, value);
  if (result.event === null) throw refuseRequest(result.issues);
  return result.event;
}

function parse(text: string): { value: unknown; issues: Issue[] } {
  try {
    const { value, issues } = parseJson(text);
    return {
      value,
      issues: issues.map(({ path, code, detail }) => ({
        pointer: toPointer(path),
        code,
        detail,
      })),
    };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new ProblemError(createProblem("invalid_body", error.message));
  }
}

/** A 422 for a request that is not about events. */
export function refuseRequest(issues: Issue[]): ProblemError {
  const detail = issues.length === 1
    ? `${issues[0].pointer || "The body"}: ${issues[0].detail}`
    : `${issues.length} issues; errors lists them all`;
  return new ProblemError(
    createProblem("invalid_request", detail, { errors: issues }),
  );
}
