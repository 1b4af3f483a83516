/** Messages between the gateway and the worker of a function. */

/** The transferable parts of a request or a response. */
export interface MessageHead {
  headers: [string, string][];
  body: ReadableStream<Uint8Array> | null;
}

/** From the gateway to the worker. */
export type ToWorker =
  | { type: "boot"; entrypoint: string; env: Record<string, string> }
  | { type: "request"; id: number; method: string; url: string } & MessageHead;

/** The console method of an output. */
export type OutputLevel = "debug" | "log" | "info" | "warn" | "error";

/** An output of a function, as its console would print it. */
export interface FunctionOutput {
  /** The function's name. */
  slug: string;
  level: OutputLevel;
  text: string;
}

/** From the worker to the gateway. */
export type FromWorker =
  | { type: "ready" }
  | { type: "output"; level: OutputLevel; text: string }
  | { type: "boot-failed"; reason: string }
  | { type: "response"; id: number; status: number } & MessageHead
  | { type: "failed"; id: number; reason: string }
  | { type: "ended"; reason: string };
