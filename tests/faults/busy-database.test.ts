import postgres from "postgres";
import { beforeEach, expect, test } from "vitest";
import { findFault, findFaultInLog, readRecorded } from "./exactly-once.ts";
import { useOwnServer } from "./own-server.ts";
import { makeEvent, type MarkedEvent, toSent } from "./sent-events.ts";

const MAX_CONNECTIONS = 20;

const own = useOwnServer({
  fsync: "off",
  max_connections: String(MAX_CONNECTIONS),
});
beforeEach(() => {
  own.errors.length = 0;
});

const connect = (database = "postgres") =>
  postgres(own.server.url, {
    database,
    max: 1,
    onnotice: () => {},
    connect_timeout: 5,
  });

const sent: ReturnType<typeof toSent>[] = [];

/** Events that no test has sent yet, in the order of their ids. */
function take(count: number): MarkedEvent[] {
  const first = sent.length;
  const ids = Array.from({ length: count }, () => crypto.randomUUID()).sort();
  const events = ids.map((id, n) => makeEvent(first + n, id));
  sent.push(...events.map(toSent));
  return events;
}

/** The error that is logged for a lost or refused connection. */
const AWAY = "Database client error";

/** Asserts a 503 with an entry in the access log, and its reason in the stack's output. */
async function expectBusy(answer: Promise<Response>, reason: string) {
  const response = await answer;
  const body = await response.json();
  expect([response.status, body.code]).toEqual([503, "unavailable"]);
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  // Lite gives no SQLSTATE, without which the access log has no message of Postgres.
  const entries = own.errors.filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line).error.name);
  expect(entries).toEqual(["StoreError"]);
  expect(own.errors.join("\n")).toContain(reason);
}

/** Retries a batch, and asserts that each event is recorded once. */
async function expectRetry(events: MarkedEvent[], status: 200 | 201) {
  const again = await own.post(events);
  expect([again.status, await again.text()]).toEqual([
    status,
    expect.stringContaining('"rejected":0'),
  ]);
  const sql = connect();
  const marks = events.map(({ input_tokens }) => input_tokens);
  const rows = await readRecorded(sql, marks[0], marks.at(-1)! + 1);
  await sql.end();
  expect(findFault(events.map(toSent), rows)).toBeNull();
}

/** Runs `work` with a setting of every new session of the stack. */
async function withSetting(
  assignment: string,
  work: () => Promise<void>,
): Promise<void> {
  const [name] = assignment.split(" ");
  await alterDatabase(`set ${assignment}`);
  try {
    await work();
  } finally {
    await alterDatabase(`reset ${name}`);
  }
}

async function alterDatabase(change: string): Promise<void> {
  // From another database, where the settings do not hold.
  const sql = connect("template1");
  await sql.unsafe(`alter database postgres ${change}`);
  await endSessions(sql);
  await sql.end();
  await own.untilConnected();
}

/** Ends every session but this one; the stack then opens new ones. */
async function endSessions(sql: postgres.Sql): Promise<void> {
  await sql`select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where backend_type = 'client backend' and pid <> pg_backend_pid()`;
}

/** Waits until a request waits for a lock. */
async function untilWaiting(sql: postgres.Sql, sessions = 1): Promise<void> {
  await expect.poll(async () => {
    // A transaction sees its first picture of the activity until it is cleared.
    await sql`select pg_stat_clear_snapshot()`;
    const waiting = await sql`
      select from pg_stat_activity where wait_event_type = 'Lock'`;
    return waiting.length;
  }, { timeout: 10_000, interval: 10 }).toBe(sessions);
}

/** Writes events as the REST API would, in the session's own transaction. */
const recordIn = (sql: postgres.Sql, events: MarkedEvent[]) =>
  sql`select public.record_llm_usage_log(${
    JSON.stringify(events)
  }::text::jsonb)`;

test.each([
  ["statement_timeout = '200ms'", "57014", "statement timeout"],
  ["lock_timeout = '200ms'", "55P03", "lock timeout"],
  ["transaction_timeout = '300ms'", "25P04", AWAY],
])(
  "a session with %s and SQLSTATE %s is a 503, and the retry records",
  async (setting, _code, reason) => {
    const events = take(3);
    await withSetting(setting, async () => {
      const holder = connect();
      await holder`set transaction_timeout = 0`;
      await holder`set statement_timeout = 0`;
      await holder.begin(async (transaction) => {
        await transaction`lock table public.llm_usage_log`;
        await expectBusy(own.post(events), reason);
      });
      await holder.end();
    });
    await expectRetry(events, 201);
  },
);

test("a read-only database, SQLSTATE 25006, is a 503, and the retry records", async () => {
  const events = take(3);
  await withSetting(
    "default_transaction_read_only = on",
    () => expectBusy(own.post(events), "read-only transaction"),
  );
  await expectRetry(events, 201);
});

test("a serialization failure, SQLSTATE 40001, is a 503, and the retry finds the event recorded", async () => {
  const events = take(1);
  await withSetting(
    "default_transaction_isolation = 'repeatable read'",
    async () => {
      const other = connect();
      await other`begin`;
      await recordIn(other, events);
      const answer = own.post(events);
      await untilWaiting(other);
      await other`commit`;
      await expectBusy(answer, "could not serialize access");
      await other.end();
    },
  );
  await expectRetry(events, 200);
});

test("the victim of a deadlock, SQLSTATE 40P01, gets a 503, and the retry records the rest", async () => {
  const events = take(3);
  const [first, middle, last] = events;
  await withSetting("deadlock_timeout = '50ms'", async () => {
    const [other, gate] = [connect(), connect()];
    for (const sql of [other, gate]) {
      await sql`set deadlock_timeout = '1min'`;
      await sql`begin`;
    }
    await recordIn(gate, [middle]);
    const answer = own.post(events);
    await untilWaiting(gate);
    // In the opposite order, which no batch of ours has.
    await recordIn(other, [last]);
    const blocked = recordIn(other, [first]).execute();
    await untilWaiting(gate, 2);
    await gate`rollback`;
    await expectBusy(answer, "deadlock detected");
    await blocked;
    await other`commit`;
    await Promise.all([other.end(), gate.end()]);
  });
  const answer = await own.post(events);
  expect(await answer.json()).toMatchObject({ recorded: 1, duplicate: 2 });
  await expectRetry(events, 200);
});

test("a session that an administrator ends, SQLSTATE 57P01, is a 503, and the retry records", async () => {
  const events = take(3);
  const sql = connect();
  await sql.begin(async (transaction) => {
    await transaction`lock table public.llm_usage_log`;
    const answer = own.post(events);
    await untilWaiting(transaction as unknown as postgres.Sql);
    await endSessions(transaction as unknown as postgres.Sql);
    await expectBusy(answer, AWAY);
  });
  await sql.end();
  await own.untilConnected();
  await expectRetry(events, 201);
});

test("a server without a free connection, SQLSTATE 53300, is a 503, and the retry records", async () => {
  const events = take(3);
  const hogs: postgres.Sql[] = [];
  const takeAll = async () => {
    for (;;) {
      const hog = connect();
      try {
        await hog`select 1`;
        hogs.push(hog);
      } catch (error) {
        await hog.end();
        expect(error).toMatchObject({ code: "53300" });
        return;
      }
    }
  };
  await takeAll();
  // The stack's own sessions have to go, and their places too.
  for (const hog of hogs) await hog`set application_name = 'hog'`;
  await hogs[0]`select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where backend_type = 'client backend' and application_name <> 'hog'`;
  await takeAll();
  expect(hogs).toHaveLength(MAX_CONNECTIONS);
  await expectBusy(own.post(events), AWAY);
  await Promise.all(hogs.map((hog) => hog.end()));
  await own.untilConnected();
  await expectRetry(events, 201);
});

test("a server that shuts down, SQLSTATE 57P03, is a 503, and the retry records", async () => {
  const events = take(3);
  const last = connect();
  await last`select 1`;
  // Smart shutdown: who is in may stay.
  Deno.kill(own.server.pid, "SIGTERM");
  await expect.poll(async () => {
    const late = connect();
    return await late`select 1`.then(() => "", ({ code }) => code)
      .finally(() => late.end());
  }, { timeout: 10_000, interval: 20 }).toBe("57P03");
  await endSessions(last);
  await expectBusy(own.post(events), AWAY);
  await last.end();
  await own.server.restart();
  await own.untilConnected();
  await expectRetry(events, 201);
});

test("after all failures, the log, its sum and its evidence match the sent events", async () => {
  expect(sent.length).toBeGreaterThan(0);
  const sql = connect();
  expect(await findFaultInLog(sql, "llm_usage_log", sent)).toBeNull();
  await sql.end();
});
