import postgres from "postgres";
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  inject,
  test,
  vi,
} from "vitest";
import { IDLE_TIMEOUT_MS } from "../../local/function-process.ts";
import { createDatabase } from "../../local/postgres.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import {
  READ_TIMEOUT_MS,
  RECORD_TIMEOUT_MS,
  RETRY_AFTER_SECONDS,
} from "../../shared/limits.ts";
import { FIRM } from "../support/running-stack.ts";
import { findFault, findFaultInLog, readRecorded } from "./exactly-once.ts";
import { type FunctionServer, serveFunctions } from "./function-server.ts";
import {
  type Answer,
  type RestInFront,
  startRestInFront,
} from "./rest-in-front.ts";
import {
  makeEvents,
  type MarkedEvent,
  postBatch,
  toSent,
} from "./sent-events.ts";
import { silenceConsole } from "./silence.ts";

let stack: Stack;
let rest: RestInFront;
let functions: FunctionServer;
let sql: postgres.Sql;

silenceConsole();
beforeAll(async () => {
  const url = await createDatabase({ url: inject("postgresUrl") });
  sql = postgres(url, { max: 1 });
  stack = await startStack({ port: 0, databaseUrl: url });
  rest = startRestInFront(stack.url);
  functions = serveFunctions({ url: rest.url, secretKey: stack.secretKey });
});
afterAll(async () => {
  await functions?.close();
  await rest?.close();
  await stack?.stop();
  await sql?.end();
});

/** Text that only the access log may contain. */
const UPSTREAM = "upstream-detail";
const PAGE = `<!doctype html><title>Error</title>${UPSTREAM}`;

const html = (status: number) =>
  new Response(PAGE, { status, headers: { "content-type": "text/html" } });
const json = (body: unknown, status = 200) => Response.json(body, { status });
const error = (code: string, status: number) =>
  json({ code, message: UPSTREAM, details: UPSTREAM, hint: null }, status);

/** Transient SQLSTATEs, with the status that PostgREST gives them. */
const PASSING: [string, number][] = [
  ["08006", 503], // connection failure
  ["25006", 405], // read-only transaction
  ["25P03", 500], // idle in transaction
  ["25P04", 500], // transaction timeout
  ["40001", 500], // serialization failure
  ["40P01", 500], // deadlock
  ["53100", 503], // disk full
  ["53300", 503], // too many connections
  ["55P03", 500], // lock timeout
  ["57014", 500], // statement timeout
  ["57P01", 500], // administrator's shutdown
  ["57P03", 500], // cannot connect now
  ["58030", 500], // input/output error
];

type Result = Record<string, unknown>;
/** The answer that the real API would have given, with every result changed. */
const changed =
  (change: (result: Result, index: number) => unknown) => (real: Result[]) =>
    json(real.map(change));

const OTHER_ID = "99999999-0000-4000-8000-000000000009";

/** The changed brief answer that all events were recorded. */
const changedBrief = (change: Result) => (real: Result[]) =>
  json({
    recorded: real.length,
    first: real[0].id,
    last: real.at(-1)!.id,
    ...change,
  });

/** Malformed answers to a batch, and the status of the function. */
const BAD_ANSWERS: [string, (real: Result[]) => Response, 503 | 500][] = [
  ["a page of HTML with status 200", () => html(200), 503],
  ["a page of HTML with status 500", () => html(500), 503],
  ["a page of HTML with status 502", () => html(502), 503],
  ["a page of HTML with status 429", () => html(429), 503],
  ["JSON that stops in the middle", (real) => {
    const text = JSON.stringify(real);
    return new Response(text.slice(0, text.length / 2));
  }, 503],
  ["nothing, with status 200", () => new Response(""), 503],
  ["nothing, with status 204", () => new Response(null, { status: 204 }), 503],
  ["null", () => json(null), 503],
  ["an object", () => json({ outcome: "recorded" }), 503],
  ["a text", () => json("recorded"), 503],
  ["no results", () => json([]), 503],
  ["fewer results than events", (real) => json(real.slice(1)), 503],
  ["more results than events", (real) => json([...real, real[0]]), 503],
  ["results that are null", changed(() => null), 503],
  [
    "results without an outcome",
    changed(({ index, id }) => ({ index, id })),
    503,
  ],
  [
    "outcomes that do not exist",
    changed((result) => ({ ...result, outcome: "toString" })),
    503,
  ],
  [
    "results of other events",
    changed((result) => ({ ...result, id: crypto.randomUUID() })),
    503,
  ],
  ["results in another order", (real) => json([...real].reverse()), 503],
  ["more events than were sent", changedBrief({ recorded: 4 }), 503],
  ["fewer events than were sent", changedBrief({ recorded: 2 }), 503],
  ["a first event of another batch", changedBrief({ first: OTHER_ID }), 503],
  ["a last event of another batch", changedBrief({ last: OTHER_ID }), 503],
  ["how many, without which", changedBrief({ first: undefined }), 503],
  ["PostgREST without its schema cache", () => error("PGRST002", 503), 503],
  ...PASSING.map(([code, status]) =>
    [
      `SQLSTATE ${code}`,
      () => error(code, status),
      503,
    ] as [string, () => Response, 503]
  ),
  ["an internal error of Postgres", () => error("XX000", 500), 500],
  ["a function that is not there", () => error("PGRST202", 404), 500],
];

async function expectRefused(
  response: Response,
  status: 503 | 500,
): Promise<void> {
  const text = await response.text();
  expect(response.status, text).toBe(status);
  expect(text).not.toContain(UPSTREAM);
  expect(JSON.parse(text).code).toBe(
    status === 503 ? "unavailable" : "internal_error",
  );
  expect(response.headers.get("retry-after")).toBe(
    status === 503 ? String(RETRY_AFTER_SECONDS) : null,
  );
}

const passOn: Answer = (_request, pass) => pass();

let lastMark = 0;
const sent: ReturnType<typeof toSent>[] = [];

/** Sends events, and retries them after the REST API is restored. */
async function sendTwice(
  body: MarkedEvent[] | MarkedEvent,
  answer: (real: Result[]) => Response | Promise<Response>,
  isCommitted: boolean,
) {
  sent.push(...[body].flat().map(toSent));
  const url = `${functions.url}/llm-usage`;
  const recorded: Result[] = [body].flat().map(({ id }, index) => ({
    index,
    id,
    outcome: "recorded",
  }));
  let real = Promise.resolve(recorded);
  rest.answer = async (_request, pass) => {
    if (isCommitted) {
      // The answer to a batch is brief.
      real = pass().then((response) => response.json())
        .then((answer) => Array.isArray(answer) ? answer : recorded);
    }
    return await answer(await real);
  };
  const first = await postBatch(url, stack.secretKey, body);
  // The function may have given up before the commit.
  await real;
  rest.answer = passOn;
  const again = await postBatch(url, stack.secretKey, body);
  await again.body?.cancel();
  const marks = [body].flat().map(({ input_tokens }) => input_tokens);
  const rows = await readRecorded(sql, marks[0], marks.at(-1)! + 1);
  expect(findFault([body].flat().map(toSent), rows)).toBeNull();
  return { first, again };
}

const take = (count: number) => {
  const events = makeEvents(lastMark, count);
  lastMark += count;
  return events;
};

describe.each([
  ["before the commit", false, 201],
  ["after the commit", true, 200],
])(
  "a REST API with a malformed answer %s",
  (_when, isCommitted, afterwards) => {
    test.each(BAD_ANSWERS)(
      "%s is a 5xx, and the retry leaves each event once",
      async (_what, answer, status) => {
        const { first, again } = await sendTwice(take(3), answer, isCommitted);
        await expectRefused(first, status);
        expect(again.status).toBe(afterwards);
      },
    );

    test.each([
      ["without its row", ({ row: _row, ...result }: Result) => result],
      ["with another row", (result: Result) => ({
        ...result,
        row: { id: crypto.randomUUID() },
      })],
    ])("%s for one event is a 503", async (_what, change) => {
      const { first, again } = await sendTwice(
        take(1)[0],
        changed(change),
        isCommitted,
      );
      await expectRefused(first, 503);
      expect(again.status).toBe(afterwards);
    });
  },
);

describe("a REST API with another answer", () => {
  const scope = { firm_id: FIRM };
  const reservation = { ...scope, amount_usd: "1" };
  const range = "from=2026-10-01&to=2026-11-01";
  const requests: [string, string, unknown?][] = [
    ["a page", "/llm-usage"],
    ["a row", `/llm-usage/${crypto.randomUUID()}`],
    ["a summary", `/llm-usage/summary?${range}`],
    ["budgets", `/llm-usage/budget?firm_id=${FIRM}`],
    ["a new budget", "/llm-usage/budget", { ...scope, limit_usd: "5" }],
    ["a reservation", "/llm-usage/reserve", reservation],
    ["a rating", `/llm-usage/ratings?${range}`, { reason: "a new price" }],
  ];
  const answers: [string, () => Response][] = [
    ["HTML", () => html(200)],
    ["nothing", () => new Response("")],
    ["an empty object", () => json({})],
    ["a text", () => json("done")],
  ];
  test.each(
    requests.flatMap(([what, path, body]) =>
      answers.map(([wrong, answer]) => ({ what, path, body, wrong, answer }))
    ),
  )("gives a 503: $wrong for $what", async ({ path, body, answer }) => {
    rest.answer = answer;
    const response = await fetch(functions.url + path, {
      method: body ? "POST" : "GET",
      headers: { apikey: stack.secretKey, "content-type": "application/json" },
      body: body ? JSON.stringify(body) : null,
    });
    rest.answer = passOn;
    await expectRefused(response, 503);
  });
});

describe("a slow REST API", () => {
  /** The time limits of calls; while the API is slow, each is shortened to 100 ms. */
  const limits: number[] = [];
  const { timeout } = AbortSignal;
  beforeAll(() => {
    vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) => {
      limits.push(milliseconds);
      const isWell = rest.answer === passOn;
      return timeout.call(AbortSignal, isWell ? milliseconds : 100);
    });
  });
  afterAll(() => {
    vi.restoreAllMocks();
  });

  const hang = () => new Promise<Response>(() => {});
  const stall = () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('[{"index": 0, '));
        },
      }),
    );

  test.each([
    ["never answers", hang],
    ["stops in the middle of its answer", stall],
  ])("that %s gives a 503 after the time limit", async (_how, answer) => {
    for (const isCommitted of [false, true]) {
      limits.length = 0;
      const { first, again } = await sendTwice(take(3), answer, isCommitted);
      await expectRefused(first, 503);
      expect(again.status).toBe(isCommitted ? 200 : 201);
      expect(limits).toEqual([RECORD_TIMEOUT_MS, RECORD_TIMEOUT_MS]);
    }
  });

  test.each([
    ["a page", "GET", "/llm-usage"],
    ["a row", "GET", `/llm-usage/${crypto.randomUUID()}`],
    ["a summary", "GET", "/audit/summary?from=2026-10-01&to=2026-11-01"],
  ])("gives a 503 after the time limit for %s", async (_what, method, path) => {
    limits.length = 0;
    rest.answer = hang;
    const headers = { apikey: stack.secretKey };
    const response = await fetch(functions.url + path, { method, headers });
    rest.answer = passOn;
    await expectRefused(response, 503);
    expect(limits).toEqual([READ_TIMEOUT_MS]);
  });

  test("times out before the platform ends the function", () => {
    // A request with a receipt records and then reads.
    expect(RECORD_TIMEOUT_MS + READ_TIMEOUT_MS).toBeLessThan(IDLE_TIMEOUT_MS);
  });
});

test("after all malformed answers, the log, its sum and its evidence match the sent events", async () => {
  expect(sent.length).toBeGreaterThan(0);
  expect(await findFaultInLog(sql, "llm_usage_log", sent)).toBeNull();
});
