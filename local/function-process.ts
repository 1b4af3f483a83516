/**
 * The gateway's side of a function: its worker, which starts at the first request or
 * earlier, and restarts after a crash.
 */
import { toFileUrl } from "@std/path/to_file_url.js";
import type {
  FromWorker,
  FunctionOutput,
  ToWorker,
} from "./function-messages.ts";
import { permissionsOf } from "./function-permissions.ts";

/** Longest wait for the head of an answer, in milliseconds. Source: platform limits. */
export const IDLE_TIMEOUT_MS = 150_000;

/** Statuses whose answers have no body (Fetch standard, "null body status"). */
const NULL_BODY_STATUSES = new Set([101, 204, 205, 304]);

/** The code of a function without an answer. */
export type FunctionFailure = "BOOT_ERROR" | "WORKER_ERROR" | "IDLE_TIMEOUT";

/** A function did not answer; `message` is for the log, not for the caller. */
export class FunctionError extends Error {
  override name = "FunctionError";
  constructor(readonly code: FunctionFailure, message: string) {
    super(message);
  }
}

/** A function and its environment. */
export interface FunctionProgram {
  slug: string;
  /** Absolute path of the module. */
  entrypoint: string;
  env: Record<string, string>;
  /** Folders that it may read, for its modules. */
  sources: readonly string[];
  /** Receives the function's output. */
  log: (output: FunctionOutput) => void;
}

type Reply = Extract<FromWorker, { type: "response" }>;
type Waiting = PromiseWithResolvers<Reply>;

/** Runs one function in its own worker. */
export class FunctionProcess {
  #program: FunctionProgram;
  #worker?: Worker;
  #booted?: PromiseWithResolvers<void>;
  /** Aborted when the worker ends, which aborts the bodies in flight. */
  #lifetime = new AbortController();
  #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(program: FunctionProgram) {
    this.#program = program;
  }

  /** Resolves when the function can answer. @throws {FunctionError} `BOOT_ERROR` */
  boot(): Promise<void> {
    return (this.#booted ??= this.#start()).promise;
  }

  /**
   * Forwards a request and returns the function's answer unchanged. Bodies are
   * streamed in both directions, without decoding. A client that disconnects cancels
   * the answer's body, not the worker.
   *
   * @throws {FunctionError} if the function does not answer.
   */
  async fetch(request: Request): Promise<Response> {
    await this.boot();
    const id = ++this.#lastId;
    const waiting = Promise.withResolvers<Reply>();
    this.#waiting.set(id, waiting);
    const timer = setTimeout(() => {
      waiting.reject(
        new FunctionError("IDLE_TIMEOUT", `no answer in ${IDLE_TIMEOUT_MS} ms`),
      );
    }, IDLE_TIMEOUT_MS);
    try {
      const { method, url, headers, body } = request;
      this.#post(
        { type: "request", id, method, url, headers: [...headers], body },
        body ? [body as unknown as Transferable] : [],
      );
      const reply = await waiting.promise;
      return toResponse(reply, this.#lifetime.signal);
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** Ends the worker; unanswered requests fail. */
  stop(): void {
    this.#end(new FunctionError("WORKER_ERROR", "the stack was stopped"));
  }

  #post(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  #start(): PromiseWithResolvers<void> {
    const booted = Promise.withResolvers<void>();
    // A failed boot without callers must not be an unhandled rejection.
    booted.promise.catch(() => {});
    const { slug, entrypoint, env, sources, log } = this.#program;
    const worker = new Worker(WORKER_URL, {
      type: "module",
      name: slug,
      deno: { permissions: permissionsOf({ entrypoint, env, sources }) },
    });
    this.#worker = worker;
    // A terminated worker can have pending events.
    const isCurrent = () => this.#worker === worker;
    const crash = (reason: string) => {
      console.error(`Function ${slug} ended: ${oneLine(reason)}`);
      this.#end(new FunctionError("WORKER_ERROR", reason));
    };
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "output") log({ slug, ...data });
      if (!isCurrent()) return;
      if (data.type === "ready") booted.resolve();
      if (data.type === "boot-failed") {
        this.#end(new FunctionError("BOOT_ERROR", data.reason));
      }
      if (data.type === "response") this.#waiting.get(data.id)?.resolve(data);
      if (data.type === "failed") {
        this.#waiting.get(data.id)?.reject(
          new FunctionError("WORKER_ERROR", data.reason),
        );
      }
      if (data.type === "ended") crash(data.reason);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (isCurrent()) crash(event.message);
    };
    this.#post({
      type: "boot",
      entrypoint: toFileUrl(entrypoint).href,
      env: { ...env, SB_EXECUTION_ID: crypto.randomUUID() },
    });
    return booted;
  }

  #end(reason: FunctionError): void {
    this.#worker?.terminate();
    this.#lifetime.abort(`Function ${this.#program.slug} ended`);
    this.#lifetime = new AbortController();
    this.#worker = undefined;
    this.#booted?.reject(
      new FunctionError("BOOT_ERROR", reason.message),
    );
    this.#booted = undefined;
    for (const waiting of this.#waiting.values()) waiting.reject(reason);
    this.#waiting.clear();
  }
}

/** The first line of a stack trace and its first frame. */
export function oneLine(text: string): string {
  return text.split("\n", 2).map((line) => line.trim()).join(" ");
}

const WORKER_URL = new URL("./function-worker.ts", import.meta.url).href;

/** The signal ends the body of a dead worker, for which clients would wait forever. */
function toResponse(
  { status, headers, body }: Reply,
  signal: AbortSignal,
): Response {
  const rest = body?.pipeThrough(new TransformStream(), { signal }) ?? null;
  return new Response(NULL_BODY_STATUSES.has(status) ? null : rest, {
    status,
    headers,
  });
}
