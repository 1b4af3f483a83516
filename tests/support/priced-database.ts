import { afterAll, beforeAll } from "vitest";
import type { Engine, Query, TestDatabase } from "./databases.ts";
import { insertParents, type ParentRows } from "./log-rows.ts";

/** A row, a price or an event: members by name. */
export type Members = Record<string, unknown>;

/** The outcome of an event; `row` only of a success. */
interface Recorded {
  outcome: string;
  warnings?: string[];
  fields?: string[];
  faults?: { column: string; code: string }[];
  // deno-lint-ignore no-explicit-any
  row?: any;
}

/** A migrated database with two firms, in which events are priced and charged. */
class PricedDatabase {
  db!: TestDatabase;
  world!: ParentRows;

  #entries = 0;

  /** A time after that of the entry before, which the clock of PGlite may not be. */
  #now(): string {
    const microseconds = String(this.#entries++ % 1_000).padStart(3, "0");
    return new Date().toISOString().replace("Z", `${microseconds}Z`);
  }

  /** Enters a price, as the owner: of `acme`, standard, since 2026. Returns its id. */
  async enter(price: Members & { match_value: string }): Promise<string> {
    const row: Members = {
      provider: "acme",
      match_kind: "equals",
      effective_from: "2026-01-01T00:00:00Z",
      source: "a contract",
      entered_at: this.#now(),
      ...price,
    };
    const columns = Object.keys(row).join(", ");
    const [{ id }] = await this.db.query<{ id: string }>(
      `insert into public.model_prices (${columns})
       select ${columns} from jsonb_populate_record(null::public.model_prices, $1::text::jsonb) returning id`,
      [JSON.stringify(row)],
    );
    return id;
  }

  /** Records events as the endpoint does, each with the members that it must have. */
  async record(
    events: Members[],
    { atomic = false } = {},
  ): Promise<Recorded[]> {
    const complete = events.map((event) => ({
      id: crypto.randomUUID(),
      firm_id: this.world.firm1,
      provider: "acme",
      model: "model",
      task_type: "extraction",
      input_tokens: 0,
      output_tokens: 0,
      created_at: "2026-06-15T12:00:00Z",
      ...event,
    }));
    const [{ results }] = await this.asService((query) =>
      query<{ results: Recorded[] }>(
        `select public.record_llm_usage_log($1::text::jsonb, atomic => $2::text::boolean,
           representation => true) as results`,
        [JSON.stringify(complete), String(atomic)],
      )
    );
    return results;
  }

  /** Records one event and returns its row. */
  async recordOne(event: Members): Promise<Members> {
    const [{ row, outcome, faults }] = await this.record([event]);
    if (row) return row;
    throw new Error(`${outcome}: ${JSON.stringify(faults)}`);
  }

  asService<Result>(
    work: (query: Query) => Promise<Result>,
  ): Promise<Result> {
    return this.db.as("service_role", null, work);
  }

  asUser<Result>(
    user: string,
    work: (query: Query) => Promise<Result>,
  ): Promise<Result> {
    return this.db.as("authenticated", { sub: user }, work);
  }

  /** The one value of a statement that a service runs. */
  async value<Value>(sql: string, parameters: unknown[] = []): Promise<Value> {
    const [row] = await this.asService((query) => query(sql, parameters));
    return Object.values(row)[0] as Value;
  }

  /** Totals of 2026. */
  async summarise(
    { filters = {}, as_of = "charged" }: { filters?: Members; as_of?: string } =
      {},
    // deno-lint-ignore no-explicit-any
  ): Promise<any> {
    const summary = await this.value<{ totals: Members }>(
      `select public.summarise_log('llm_usage_log', 'created_at', filters => $1::text::jsonb,
         since => '2026-01-01', until => '2027-01-01', as_of => $2)`,
      [JSON.stringify(filters), as_of],
    );
    return summary.totals;
  }
}

/** A migrated database for the tests of one `describe`. */
export function usePricedDatabase(engine: Engine): PricedDatabase {
  const priced = new PricedDatabase();
  beforeAll(async () => {
    priced.db = await engine.migrated();
    priced.world = await insertParents(priced.db);
  });
  afterAll(() => priced.db?.close());
  return priced;
}

/** A model name that no other test has prices for. */
export const newModel = () => `model-${crypto.randomUUID().slice(0, 8)}`;
