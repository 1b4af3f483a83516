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

/** From the worker to the gateway. */
export type FromWorker =
  | { type: "ready" }
  | { type: "boot-failed"; reason: string }
  | { type: "response"; id: number; status: number } & MessageHead
  | { type: "failed"; id: number; reason: string }
  | { type: "ended"; reason: string };
