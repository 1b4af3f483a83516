/** What the gateway's side of a function and its worker say to each other. */

/** A request or a response without its body's type, ready to be posted. */
export interface MessageHead {
  headers: [string, string][];
  body: ReadableStream<Uint8Array> | null;
}

/** From the gateway to the worker. */
export type ToWorker =
  | { type: "boot"; entrypoint: string; env: Record<string, string> }
  | { type: "request"; id: number; method: string; url: string } & MessageHead;

/** How a function says something: the method of its console. */
export type OutputLevel = "debug" | "log" | "info" | "warn" | "error";

/** Something that a function said, as its console would print it. */
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
