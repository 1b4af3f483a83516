import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startPostgres } from "../../local/postgres.ts";
import type { Stack } from "../../local/stack.ts";
import {
  makeProject,
  type ScratchProject,
  startScratchStack,
} from "../support/scratch-project.ts";

// Starting databases takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const SLOW = `
create function public.slow() returns int language sql volatile
as $$ select 1 from pg_sleep(3) $$;
create function public.quick() returns int language sql volatile
as $$ select 1 from pg_sleep(0.001) $$;`;

let server: Awaited<ReturnType<typeof startPostgres>>;
let project: ScratchProject;
let stack: Stack;

beforeAll(async () => {
  server = await startPostgres();
  project = await makeProject({ "migrations/1_slow.sql": SLOW });
  stack = await startScratchStack(project, { databaseUrl: server.url });
});

afterAll(async () => {
  await stack.stop();
  await server.stop();
  await project.remove();
});

function call(path: string): Promise<Response> {
  const headers = { apikey: stack.secretKey };
  return fetch(stack.url + path, { method: "POST", headers });
}

async function expectAway(answer: Promise<Response>): Promise<void> {
  const response = await answer;
  expect(response.status).toBe(503);
  const body = await response.text();
  expect(JSON.parse(body)).toMatchObject({ code: "PGRST001" });
  expect(body).not.toContain(String(server.port));
}

test("requests get 503 while the database is unavailable", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const underWay = call("/rest/v1/rpc/slow");
  await new Promise((done) => setTimeout(done, 300));
  await server.kill();
  await expectAway(underWay);
  await expectAway(call("/rest/v1/rpc/slow"));
  // Lite's own lines, errors as objects, are silenced below this spy.
  const lines = log.mock.calls.map(([line]) => line)
    .filter((line) => typeof line === "string");
  expect(lines).toEqual([
    "POST /rest/v1/rpc/slow: the database is unreachable",
    "POST /rest/v1/rpc/slow: the database is unreachable",
  ]);
  await server.restart();
  const response = await call("/rest/v1/rpc/nothing");
  expect(response.status).toBe(404);
  await response.body?.cancel();
  await expect.poll(async () => (await call("/rest/v1/rpc/slow")).status, {
    timeout: 20_000,
  }).toBe(200);
  log.mockRestore();
});

test("concurrent requests get 200 or 503 while the server is killed repeatedly", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const statuses = new Map<number, number>();
  let running = true;
  const workers = Array.from({ length: 30 }, async () => {
    while (running) {
      const response = await call("/rest/v1/rpc/quick");
      await response.body?.cancel();
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    }
  });
  for (let round = 0; round < 2; round++) {
    await new Promise((done) => setTimeout(done, 300));
    await server.kill();
    await new Promise((done) => setTimeout(done, 100));
    await server.restart();
  }
  running = false;
  await Promise.all(workers);
  // The spy lies over the stack's own silencer, so it hears Lite's errors as well.
  const lines = log.mock.calls.map(([first]) => String(first))
    .filter((line) => line.startsWith("POST "));
  expect(new Set(lines))
    .toEqual(new Set(["POST /rest/v1/rpc/quick: the database is unreachable"]));
  expect([...statuses.keys()].sort()).toEqual([200, 503]);
  const after = await call("/rest/v1/rpc/quick");
  expect(after.status).toBe(200);
  await after.body?.cancel();
  log.mockRestore();
});
