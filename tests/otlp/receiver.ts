import {
  MEDIA_TYPES,
  readOtlpEncoding,
  readTraces,
  type TraceReading,
} from "../../shared/otlp/receive-traces.ts";
import type { LedgerSettings } from "../../shared/otlp/attributes.ts";
import { respondExport, respondFailure } from "../../shared/otlp/respond.ts";
import { URL_SETTINGS } from "../support/otlp-exports.ts";

/** A server that reads the exports of real senders, and keeps the readings. */
export type Receiver = {
  url: string;
  /** The settings of the URL; a test may change them. */
  settings: LedgerSettings;
  readings: TraceReading[];
  /** Headers of the requests, in order. */
  requests: Headers[];
  /** Answers that the next requests get instead of being read. */
  failures: Response[];
  close: () => Promise<void>;
};

/** Starts a receiver on a free port of this machine. */
export function startReceiver(): Receiver {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => receive(request, receiver),
  );
  const receiver: Receiver = {
    url: `http://127.0.0.1:${server.addr.port}/otlp/v1/traces`,
    settings: URL_SETTINGS,
    readings: [],
    requests: [],
    failures: [],
    close: () => server.shutdown(),
  };
  return receiver;
}

async function receive(
  request: Request,
  { settings, readings, requests, failures }: Receiver,
): Promise<Response> {
  requests.push(request.headers);
  const bytes = await readBody(request);
  const failure = failures.shift();
  if (failure) return failure;
  const encoding = readOtlpEncoding(request.headers.get("content-type"));
  if (encoding === null) {
    const wanted = Object.values(MEDIA_TYPES).join(" or ");
    return respondFailure(null, 415, `Send ${wanted}`);
  }
  const reading = await readTraces(bytes, encoding, settings);
  if ("fault" in reading) {
    const { status, message } = reading.fault;
    return respondFailure(encoding, status, message);
  }
  readings.push(reading);
  return respondExport(encoding, reading.rejected, reading);
}

async function readBody(request: Request): Promise<Uint8Array> {
  const gzip = request.headers.get("content-encoding") === "gzip";
  const body = gzip
    ? request.body!.pipeThrough(new DecompressionStream("gzip"))
    : request.body;
  return new Uint8Array(await new Response(body).arrayBuffer());
}
