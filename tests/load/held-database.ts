import { vi } from "vitest";
import type { Environment } from "../../shared/db/environment.ts";

export const SECRET_KEY = "sb_secret_held-database-0123456789";

/** Keys of further services. */
export const OTHER_KEYS = ["one", "two", "three", "four"]
  .map((name) => `sb_secret_held-database-of-${name}`);

/** A REST API that holds every call until `release()`. */
export class HeldDatabase {
  /** Calls that wait. */
  held = 0;
  #gate = Promise.withResolvers<void>();
  #server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
  }, async (request) => {
    const call = await request.json();
    this.held++;
    await this.#gate.promise;
    this.held--;
    return Response.json(answer(call));
  });

  /** What a function needs to call it. */
  get environment(): { data: Environment; error: null } {
    return {
      data: {
        url: `http://127.0.0.1:${this.#server.addr.port}`,
        publishableKeys: {},
        secretKeys: { default: SECRET_KEY, ...OTHER_KEYS },
        jwks: { keys: [] },
      } as unknown as Environment,
      error: null,
    };
  }

  /** Resolves when so many calls wait. */
  async holds(count: number): Promise<void> {
    await vi.waitUntil(() => this.held === count, {
      timeout: 10_000,
      interval: 10,
    });
  }

  /** Answers all calls that wait, and holds the next ones. */
  release(): void {
    this.#gate.resolve();
    this.#gate = Promise.withResolvers();
  }

  async stop(): Promise<void> {
    this.release();
    await this.#server.shutdown();
  }
}

type Call = { events?: { id: string }[]; max_rows?: number };

function answer({ events, max_rows }: Call): unknown {
  if (events) {
    return events.map(({ id }, index) => ({
      index,
      id,
      outcome: "recorded",
      row: { id },
    }));
  }
  if (max_rows !== undefined) {
    const rows = Array.from({ length: max_rows }, () => ({ id: "x" }));
    return { rows, more: true, next: { at: 1 } };
  }
  return { totals: {}, groups: [], group_count: 0 };
}
