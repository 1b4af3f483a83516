import type { ProblemCode } from "./problem.ts";

/** How many events of a request had each outcome. */
export type OutcomeCounts = {
  recorded: number;
  duplicate: number;
  conflict: number;
  rejected: number;
};

/**
 * What is told of a request in its line of the log. Nothing here repeats what the
 * request holds: no payload, no id of a row or a user, no header, no query value.
 */
export type RequestNotes = Partial<OutcomeCounts> & {
  /** Which answer of the function it is: a fixed word, never the path. */
  route?: string;
  /** `secret:<name of the key>`, `user`, or `signature:<kind of secret>`. */
  caller?: string;
  /** The problem that the request as a whole ended with. */
  code?: ProblemCode;
  /** Events that were sent. */
  events?: number;
  /** Bytes of the body that were read, after decompression. */
  body_bytes?: number;
  /** The answer's body did not reach its end. */
  cut_off?: true;
  /** What went wrong on our side; the last, if several things did. */
  error?: unknown;
};

type Noted = { notes: RequestNotes; open: Promise<unknown>[] };

const requests = new WeakMap<Request, Noted>();

/** Begins to take notes of a request. */
export function beginNotes(request: Request): Noted {
  const noted: Noted = { notes: {}, open: [] };
  requests.set(request, noted);
  return noted;
}

/** Adds to what is known of a request; nothing when nobody takes notes of it. */
export function noteOn(request: Request, more: RequestNotes): void {
  const noted = requests.get(request);
  if (noted) Object.assign(noted.notes, more);
}

/**
 * Keeps a request in progress after its answer began: its line is written, and
 * its place given back, when `work` has settled.
 */
export function keepOpen(request: Request, work: Promise<unknown>): void {
  requests.get(request)?.open.push(work);
}
