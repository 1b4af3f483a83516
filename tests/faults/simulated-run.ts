/**
 * One run over the simulated store: clients that retry send batches through the
 * real handler of a function, and at the end the log is compared with what they
 * sent. A seed decides everything that happens.
 *
 * @module
 */
import { createRandom } from "../support/seeded-random.ts";
import {
  findFalseOutcome,
  findFault,
  type Recorded,
  type Sent,
} from "./exactly-once.ts";
import { createHandlers } from "./function-server.ts";
import { type EventOutcome, sendUntilAnswered } from "./retrying-client.ts";
import { makeEvent, type MarkedEvent, toSent } from "./sent-events.ts";
import { SIMULATED_URL, SimulatedNetwork } from "./simulated-network.ts";
import { type Defect, SimulatedStore } from "./simulated-store.ts";
import { takeTurns } from "./take-turns.ts";

const SECRET_KEY = "sb_secret_simulated";

/** Events that several clients send. */
const SHARED = 12;

/** What is done wrong on purpose. */
export interface Wrong {
  store?: Defect;
  /** A client that sends neither ids nor an Idempotency-Key. */
  client?: "without ids";
}

/** What a seed did, and what was wrong at the end; null when nothing was. */
export interface RunOutcome {
  steps: string[];
  fault: string | null;
}

/** How a client tells a retry from a new event. */
type Identity = "ids" | "key" | "nothing";

/** Runs a seed. While it runs, its network stands in for `fetch`. */
export async function runSimulation(
  seed: number,
  stubFetch: (fetch: typeof globalThis.fetch) => void,
  wrong: Wrong = {},
): Promise<RunOutcome> {
  const random = createRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const store = new SimulatedStore(wrong.store);
  const project = { url: SIMULATED_URL, secretKey: SECRET_KEY };
  const network = new SimulatedNetwork(
    store,
    below,
    () => createHandlers(project).get("llm-usage")!,
  );
  stubFetch(network.fetch);
  const sent = new Map<number, Sent>();
  const outcomes: EventOutcome[] = [];

  const clients = Array.from({ length: 1 + below(3) }, (_, client) => {
    const identity: Identity = wrong.client
      ? "nothing"
      : below(3) > 0
      ? "ids"
      : "key";
    return async (pause: () => Promise<void>) => {
      const batches = 1 + below(4);
      for (let batch = 0; batch < batches; batch++) {
        const events = identity === "ids"
          ? chooseShared(seed, below)
          : makeOwn(seed, 1_000 * (client + 1) + 10 * batch, 1 + below(4));
        for (const event of events) {
          const { id, ...rest } = toSent(event);
          sent.set(rest.mark, { ...rest, id: identity === "ids" ? id : null });
        }
        const create = () =>
          createRequest(events, identity, `${client}-${batch}`, below(4) === 0);
        const { results } = await sendUntilAnswered(
          () => network.request(create),
          { wait: pause, attempts: 1_000 },
        );
        outcomes.push(...results);
        await pause();
      }
    };
  });
  await takeTurns(clients, below, () => network.idle());
  network.settle();

  const rows = store.rows.map((row): Recorded => ({
    id: row.id,
    mark: row.input_tokens as number,
    cost: row.cost_usd as string,
  }));
  const fault = findFault([...sent.values()], rows) ??
    findFalseOutcome(outcomes, rows);
  return { steps: network.steps, fault };
}

/** Some of the events that all clients know, in any order. */
function chooseShared(
  seed: number,
  below: (limit: number) => number,
): MarkedEvent[] {
  const marks = Array.from({ length: SHARED }, (_, mark) => mark);
  return Array.from({ length: 1 + below(5) }, () => {
    const [mark] = marks.splice(below(marks.length), 1);
    return makeEvent(mark, createId(seed, mark));
  });
}

function makeOwn(seed: number, from: number, count: number): MarkedEvent[] {
  return Array.from(
    { length: count },
    (_, n) => makeEvent(from + n, createId(seed, from + n)),
  );
}

function createId(seed: number, mark: number): string {
  const hex = (value: number, digits: number) =>
    value.toString(16).padStart(digits, "0");
  return `${hex(seed, 8)}-0000-4000-8000-${hex(mark, 12)}`;
}

function createRequest(
  events: MarkedEvent[],
  identity: Identity,
  key: string,
  atomic: boolean,
): Request {
  const body = identity === "ids"
    ? events
    : events.map(({ id: _id, ...event }) => event);
  return new Request(`http://edge.invalid/llm-usage?atomic=${atomic}`, {
    method: "POST",
    headers: {
      apikey: SECRET_KEY,
      "content-type": "application/json",
      ...identity === "key" && { "idempotency-key": key },
    },
    body: JSON.stringify(body),
  });
}
