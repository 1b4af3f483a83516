import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findFault, findFaultInLog, readRecorded } from "./exactly-once.ts";
import { HURRIED, sendUntilAnswered } from "./retrying-client.ts";
import { type ProxiedStack, startProxiedStack } from "./proxied-stack.ts";
import { makeEvents, postBatch, toSent } from "./sent-events.ts";
import { silenceConsole } from "./silence.ts";
import {
  contains,
  type Passage,
  type TcpProxy,
  type Verdict,
} from "./tcp-proxy.ts";

const BATCH = 100;

let stack: ProxiedStack;

silenceConsole();
beforeAll(async () => {
  stack = await startProxiedStack();
});
afterAll(() => stack?.close());

const sent: ReturnType<typeof toSent>[] = [];

/**
 * Sends a batch through the proxies; it is cut once, at the first passage that
 * `place` names. It goes over fresh connections: a request over one that was used
 * before would be retried by fetch, which would hide the cut.
 */
async function sendCut(
  proxy: TcpProxy,
  place: (passage: Passage) => Verdict,
) {
  const events = makeEvents(sent.length, BATCH);
  sent.push(...events.map(toSent));
  const from = events[0].input_tokens;
  stack.toFunction.cutAll();
  stack.toRest.cutAll();
  let isCut = false;
  proxy.judge = (passage) => {
    const verdict = place(passage);
    if (verdict === "pass" || isCut) return "pass";
    isCut = true;
    return verdict;
  };
  const url = `http://127.0.0.1:${stack.toFunction.port}/llm-usage`;
  const firstAnswer: { status?: number; retryAfter?: string | null } = {};
  let recordedBeforeRetry = -1;
  const answer = await sendUntilAnswered(async () => {
    const response = await postBatch(url, stack.secretKey, events);
    firstAnswer.status ??= response.status;
    firstAnswer.retryAfter ??= response.headers.get("retry-after");
    return response;
  }, {
    attempts: HURRIED.attempts,
    wait: async (seconds) => {
      const rows = await readRecorded(stack.sql, from, from + BATCH);
      if (recordedBeforeRetry < 0) recordedBeforeRetry = rows.length;
      await HURRIED.wait(seconds);
    },
  });
  proxy.judge = () => "pass";
  const rows = await readRecorded(stack.sql, from, from + BATCH);
  expect(findFault(events.map(toSent), rows)).toBeNull();
  return {
    ...firstAnswer,
    recordedBeforeRetry,
    refused: answer.refused,
    outcomes: [...new Set(answer.results.map(({ outcome }) => outcome))],
  };
}

const NOT_WRITTEN = { recordedBeforeRetry: 0, outcomes: ["recorded"] };
const WRITTEN = { recordedBeforeRetry: BATCH, outcomes: ["duplicate"] };

/** Where HTTP is cut, and whether the batch was written by then. */
const HTTP_CUTS = [
  ["before the request arrives", "client", "cut", NOT_WRITTEN],
  ["in the middle of the request", "client", "pass half and cut", NOT_WRITTEN],
  ["after the commit and before the answer", "server", "cut", WRITTEN],
  ["in the middle of the answer", "server", "pass half and cut", WRITTEN],
] as const;

describe("a cut connection between the function and REST", () => {
  test.each(HTTP_CUTS)(
    "%s is a 503, and the retry leaves each event once",
    async (_where, from, verdict, outcome) => {
      const result = await sendCut(
        stack.toRest,
        (passage) => passage.from === from ? verdict : "pass",
      );
      expect(result).toMatchObject({ ...outcome, status: 503 });
      expect(Number(result.retryAfter)).toBeGreaterThan(0);
    },
  );
});

describe("a cut connection between the client and the function", () => {
  test.each(HTTP_CUTS)(
    "%s breaks the request, and the retry leaves each event once",
    async (_where, from, verdict, outcome) => {
      const result = await sendCut(
        stack.toFunction,
        (passage) => passage.from === from ? verdict : "pass",
      );
      expect(result).toMatchObject({ ...outcome, refused: [0] });
    },
  );
});

describe("a cut connection between REST and PostgreSQL", () => {
  const isCall = ({ from, bytes }: Passage) =>
    from === "client" && contains(bytes, "record_llm_usage_log");
  const isCommit = ({ from, bytes }: Passage) =>
    from === "client" && contains(bytes, "commit");
  // The server's CommandComplete of the commit.
  const isCommitted = ({ from, bytes }: Passage) =>
    from === "server" && contains(bytes, "COMMIT\0");

  test.each([
    ["before the call arrives", isCall, NOT_WRITTEN],
    ["before the commit arrives", isCommit, NOT_WRITTEN],
    ["after the commit and before its answer", isCommitted, WRITTEN],
  ])(
    "%s is a 503, and the retry leaves each event once",
    async (_where, isPlace, outcome) => {
      const result = await sendCut(
        stack.toDatabase,
        (passage) => isPlace(passage) ? "cut" : "pass",
      );
      expect(result).toMatchObject({ ...outcome, status: 503 });
      expect(Number(result.retryAfter)).toBeGreaterThan(0);
    },
  );
});

test("after all cuts, the log, its sum and its evidence match the sent events", async () => {
  expect(sent.length).toBeGreaterThan(0);
  expect(await findFaultInLog(stack.sql, "llm_usage_log", sent)).toBeNull();
});
