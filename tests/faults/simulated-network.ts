/**
 * What lies between clients, functions and the store in a simulated run. A storm
 * of faults, decided by random numbers, hits requests on their way; when it is
 * over, everything works.
 *
 * @module
 */
import type { SimulatedStore, StoredEvent } from "./simulated-store.ts";

/** Where the simulated project is. */
export const SIMULATED_URL = "http://project.invalid";

/** Requests on their way that meet a fault, before the storm is over. */
const STORM = 40;

/** A request for the store, as the functions make it. */
interface Call {
  events: StoredEvent[];
  atomic: boolean;
  brief: boolean;
}

/** A function's handler. */
type Handler = (request: Request) => Promise<Response>;

/** The id of an event that is never sent. */
const OTHER_ID = "99999999-0000-4000-8000-000000000009";

const PAGE = "<!doctype html><title>Bad gateway</title>";

const page = () =>
  new Response(PAGE, { status: 502, headers: { "content-type": "text/html" } });
const refuse = (code: string, status: number) =>
  Response.json(
    { code, message: "refused", details: null, hint: null },
    { status },
  );
const cut = (): never => {
  throw new TypeError("error sending request");
};

/** The simulated network of one run. */
export class SimulatedNetwork {
  /** The steps of the run, for its error message. */
  readonly steps: string[] = [];
  readonly #store: SimulatedStore;
  readonly #below: (limit: number) => number;
  readonly #createHandler: () => Handler;
  #handler: Handler;
  /** Percent of the requests that meet a fault. */
  readonly #severity: number;
  #faultsLeft = STORM;
  /** Calls that arrive after their caller has timed out. */
  readonly #late: Call[] = [];

  constructor(
    store: SimulatedStore,
    below: (limit: number) => number,
    createHandler: () => Handler,
  ) {
    this.#store = store;
    this.#below = below;
    this.#createHandler = createHandler;
    this.#handler = createHandler();
    this.#severity = 10 + below(70);
  }

  /** From a client to a function and back. */
  async request(create: () => Request): Promise<Response> {
    const { name, pass } = this.#choose<() => Promise<Response>>({
      "request lost": () => Promise.resolve(cut()),
      "page instead of the function": () => Promise.resolve(page()),
      "answer lost": async () => {
        await this.#handler(create());
        return cut();
      },
      "request sent twice": async () => {
        await this.#handler(create());
        return await this.#handler(create());
      },
      "function killed": async () => {
        await this.#handler(create());
        this.#handler = this.#createHandler();
        return Response.json({ code: "WORKER_ERROR" }, { status: 500 });
      },
    }, () => this.#handler(create()));
    this.steps.push(`client: ${name}`);
    return await pass();
  }

  /** In place of `fetch`: from a function to the store and back. */
  readonly fetch = async (
    input: RequestInfo | URL,
    init?: RequestInit,
  ): Promise<Response> => {
    const request = new Request(input, init);
    const { pathname } = new URL(request.url);
    if (pathname !== "/rest/v1/rpc/record_llm_usage_log") {
      throw new Error("the simulated store only records");
    }
    const call = await request.json() as Call;
    const { name, pass } = this.#choose<() => Response>({
      "refused": cut,
      "away": () => refuse("PGRST001", 503),
      "deadlock": () => refuse("40P01", 500),
      "disk full": () => refuse("53100", 503),
      "answer lost": () => {
        this.#commit(call);
        return cut();
      },
      "answer cut": () => {
        const text = this.#commit(call);
        return new Response(text.slice(0, text.length >> 1));
      },
      "answer empty": () => {
        this.#commit(call);
        return new Response("");
      },
      "page instead of the answer": () => {
        this.#commit(call);
        return page();
      },
      "answer of another call": () =>
        new Response(
          this.#commit(call)
            .replaceAll(/"(id|first|last)":"[^"]+"/g, `"$1":"${OTHER_ID}"`),
        ),
      "late": () => {
        this.#late.push(call);
        throw new DOMException("Signal timed out.", "TimeoutError");
      },
      "delivered twice": () => {
        this.#late.push(call);
        return new Response(this.#commit(call));
      },
      "crash before the commit": () => {
        this.#store.restart();
        return cut();
      },
      "crash after the commit": () => {
        this.#commit(call);
        this.#store.restart();
        return cut();
      },
    }, () => new Response(this.#commit(call)));
    this.steps.push(`store: ${name} (${call.events.length})`);
    return pass();
  };

  /** Background work: a late call arrives, the disk catches up. */
  idle(): void {
    if (this.#late.length > 0 && this.#below(3) === 0) this.#arrive();
    if (this.#below(3) === 0) this.#store.flush();
  }

  /** The last late calls arrive. */
  settle(): void {
    while (this.#late.length > 0) this.#arrive();
  }

  /** In any order. */
  #arrive(): void {
    const [call] = this.#late.splice(this.#below(this.#late.length), 1);
    this.#commit(call);
    this.steps.push(`store: late call arrives (${call.events.length})`);
  }

  #commit({ events, atomic, brief }: Call): string {
    return JSON.stringify(this.#store.record(events, atomic, brief));
  }

  #choose<Pass>(
    faults: Record<string, Pass>,
    otherwise: Pass,
  ): { name: string; pass: Pass } {
    const isFault = this.#faultsLeft > 0 && this.#below(100) < this.#severity;
    if (!isFault) return { name: "passes", pass: otherwise };
    this.#faultsLeft--;
    const names = Object.keys(faults);
    const name = names[this.#below(names.length)];
    return { name, pass: faults[name] };
  }
}
