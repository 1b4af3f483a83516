import { afterAll, beforeAll, expect } from "vitest";
import { type PostgresServer, startPostgres } from "../../local/postgres.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import { type FunctionServer, serveFunctions } from "./function-server.ts";
import { type MarkedEvent, postBatch } from "./sent-events.ts";
import { silenceConsole } from "./silence.ts";

/** A PostgreSQL server that no other test file uses, with a stack over it. */
export class OwnServer {
  server!: PostgresServer;
  stack!: Stack;
  functions!: FunctionServer;
  /** Lines at level error, newest last. */
  readonly errors = silenceConsole();

  post(events: MarkedEvent[]): Promise<Response> {
    const url = `${this.functions.url}/llm-usage`;
    return postBatch(url, this.stack.secretKey, events);
  }

  /** Waits until the stack reaches the database again, and clears the errors. */
  async untilConnected(): Promise<void> {
    const headers = { apikey: this.stack.secretKey };
    const url = `${this.functions.url}/audit?limit=1`;
    await expect.poll(async () => {
      const response = await fetch(url, { headers });
      await response.body?.cancel();
      return response.status;
    }, { timeout: 20_000, interval: 20 }).toBe(200);
    this.errors.length = 0;
  }
}

/** Starts a server and a stack before the tests of a file, and stops them. */
export function useOwnServer(settings: Record<string, string>): OwnServer {
  const own = new OwnServer();
  beforeAll(async () => {
    own.server = await startPostgres({ settings });
    own.stack = await startStack({ port: 0, databaseUrl: own.server.url });
    const { url, secretKey } = own.stack;
    own.functions = serveFunctions({ url, secretKey });
  });
  afterAll(async () => {
    await own.functions?.close();
    await own.stack?.stop();
    await own.server?.stop();
  });
  return own;
}
