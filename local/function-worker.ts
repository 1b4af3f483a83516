/**
 * The worker of one function. The environment and `Deno.serve` are replaced before the
 * function's module is loaded, so that several stacks with different environments can
 * run in one process.
 */
/// <reference lib="webworker" />
import { format } from "node:util";
import type { FromWorker, OutputLevel, ToWorker } from "./function-messages.ts";

type Handler = (request: Request) => Response | Promise<Response>;

const scope = self as unknown as DedicatedWorkerGlobalScope;
let handler: Handler | undefined;

scope.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "boot") void boot(data.entrypoint, data.env);
  if (data.type === "request") void answer(data);
};

scope.addEventListener("error", (event) => {
  event.preventDefault();
  end(event.error);
});
scope.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  end(event.reason);
});

/** An uncaught error ends the worker, as on the platform. */
function end(reason: unknown): void {
  post({ type: "ended", reason: describe(reason) });
  scope.close();
}

function post(message: FromWorker, transfer: Transferable[] = []): void {
  scope.postMessage(message, transfer);
}

async function boot(
  entrypoint: string,
  env: Record<string, string>,
): Promise<void> {
  replaceConsole();
  replaceEnvironment(env);
  replaceServe();
  replaceExit();
  provideEdgeRuntime();
  try {
    const module = await import(entrypoint) as {
      default?: { fetch?: Handler };
    };
    const exported = module.default;
    if (typeof exported?.fetch === "function") {
      handler = (request) => exported.fetch!(request);
    }
    if (!handler) {
      throw new Error("it neither exports fetch nor calls Deno.serve");
    }
    post({ type: "ready" });
  } catch (error) {
    post({ type: "boot-failed", reason: describe(error) });
  }
}

async function answer(
  message: Extract<ToWorker, { type: "request" }>,
): Promise<void> {
  const { id, method, url, headers, body } = message;
  const request = new Request(url, { method, headers, body });
  try {
    const response = await handler!(request);
    if (!(response instanceof Response)) {
      throw new TypeError("the function did not answer with a Response");
    }
    const { status, body: answerBody } = response;
    post(
      {
        type: "response",
        id,
        status,
        headers: [...response.headers],
        body: answerBody,
      },
      answerBody ? [answerBody as unknown as Transferable] : [],
    );
  } catch (error) {
    post({ type: "failed", id, reason: describe(error) });
  } finally {
    // The sending side would buffer an unread body forever.
    if (!request.bodyUsed) request.body?.cancel().catch(() => {});
  }
}

/** The stack trace if there is one, else the message. */
function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

const LEVELS: OutputLevel[] = ["debug", "log", "info", "warn", "error"];

/** Posts the output to the gateway's side, which handles it. */
function replaceConsole(): void {
  for (const level of LEVELS) {
    console[level] = (...values: unknown[]) =>
      post({ type: "output", level, text: format(...values) });
  }
}

function replaceEnvironment(given: Record<string, string>): void {
  const env = new Map(Object.entries(given));
  const replacement: Deno.Env = {
    get: (name) => env.get(name),
    has: (name) => env.has(name),
    set: (name, value) => void env.set(name, value),
    delete: (name) => void env.delete(name),
    toObject: () => Object.fromEntries(env),
  };
  Object.defineProperty(Deno, "env", { value: replacement });
  const { process } = globalThis as { process?: { env: unknown } };
  if (process) process.env = { ...given };
}

/** `Deno.serve(handler)`, `Deno.serve(options, handler)`, `Deno.serve({ handler })`. */
function replaceServe(): void {
  const serve = (...given: unknown[]) => {
    const options = given.find((value) => typeof value === "object") as
      | { handler?: Handler; fetch?: Handler }
      | undefined;
    const found = given.find((value) => typeof value === "function") ??
      options?.handler ?? options?.fetch;
    if (typeof found !== "function") {
      throw new TypeError("Deno.serve was called without a handler");
    }
    handler = found as Handler;
    return {
      addr: { transport: "tcp", hostname: "127.0.0.1", port: 0 },
      finished: new Promise(() => {}),
      ref() {},
      unref() {},
      shutdown: () => Promise.resolve(),
    };
  };
  Object.defineProperty(Deno, "serve", { value: serve });
}

/** Reports the exit, because the gateway would wait for the answer forever. */
function replaceExit(): void {
  Object.defineProperty(Deno, "exit", {
    value: () => end("the function called Deno.exit"),
  });
}

/** The platform's global for background tasks. */
function provideEdgeRuntime(): void {
  Object.defineProperty(globalThis, "EdgeRuntime", {
    value: {
      waitUntil(task: Promise<unknown>) {
        task.catch((error) => console.error("[background task]", error));
        return task;
      },
    },
  });
}
