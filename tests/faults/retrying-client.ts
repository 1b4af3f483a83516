/**
 * A client that retries as docs/recording.md describes: without an answer, and at any
 * 5xx, it sends the same request again after `Retry-After`. Every event has
 * an id, or the request has an Idempotency-Key.
 *
 * @module
 */

/** The endpoint's outcome of one event. */
export interface EventOutcome {
  index: number;
  id: string | null;
  outcome: "recorded" | "duplicate" | "conflict" | "rejected";
}

/** The final answer to a batch. */
export interface BatchAnswer {
  status: number;
  results: EventOutcome[];
  /** How often it was sent, and what came back before the answer; 0 for nothing. */
  refused: number[];
}

/** How long to wait, and how often to try. */
export interface Patience {
  wait(seconds: number): Promise<void>;
  attempts: number;
}

/** Seconds to wait when there was no answer to say so. */
const DEFAULT_WAIT_SECONDS = 1;

/**
 * Sends a batch until the endpoint answers with the outcomes of its events.
 *
 * @throws {Error} when it does not within the attempts.
 */
export async function sendUntilAnswered(
  post: () => Promise<Response>,
  { wait, attempts }: Patience,
): Promise<BatchAnswer> {
  const refused: number[] = [];
  while (refused.length < attempts) {
    const { status, results, retryAfter } = await attempt(post);
    if (results) return { status, results, refused };
    refused.push(status);
    await wait(retryAfter ?? DEFAULT_WAIT_SECONDS);
  }
  throw new Error(`no answer in ${attempts} attempts: ${refused.join(" ")}`);
}

async function attempt(post: () => Promise<Response>): Promise<{
  status: number;
  results?: EventOutcome[];
  retryAfter?: number;
}> {
  try {
    const response = await post();
    const { status, headers } = response;
    const text = await response.text();
    if (status >= 500) {
      return { status, retryAfter: Number(headers.get("retry-after") ?? 1) };
    }
    const { results } = JSON.parse(text);
    if (!Array.isArray(results)) throw new UnexpectedAnswer(status, text);
    return { status, results };
  } catch (error) {
    if (error instanceof UnexpectedAnswer) throw error;
    // Refused, cut, or cut in the middle of the answer: it may have been recorded.
    return { status: 0 };
  }
}

/** Neither the outcomes of a batch nor a reason to send it again. */
class UnexpectedAnswer extends Error {
  constructor(status: number, text: string) {
    super(`${status}: ${text.slice(0, 300)}`);
  }
}

/** Waits a hundredth of what it should, so that tests do not take minutes. */
export const HURRIED: Patience = {
  wait: (seconds) =>
    new Promise((resolve) => setTimeout(resolve, seconds * 10)),
  attempts: 1_000,
};
