/**
 * A Kysely dialect over this stack's pool. Lite's dialect extends Kysely's driver, whose
 * connections have further members since 0.28.19: a rollback on a lost connection then
 * fails with a TypeError that hides the cause.
 */
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from "kysely";

/** A reserved connection, until it is released. */
export interface Reservation {
  unsafe(statement: string, parameters?: unknown[]): Promise<unknown[]>;
  release(): void;
}

/** The completion of a statement, which postgres.js adds to its rows. */
interface Completion {
  command: string;
  count: number;
}

/** A Kysely whose connections are reservations; its owner closes the pool. */
export function createKysely(
  reserve: () => Promise<Reservation>,
): Kysely<unknown> {
  const dialect: Dialect = {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new PoolDriver(reserve),
    createIntrospector: (kysely) => new PostgresIntrospector(kysely),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
  return new Kysely({ dialect });
}

class PoolDriver implements Driver {
  readonly #reserve: () => Promise<Reservation>;

  constructor(reserve: () => Promise<Reservation>) {
    this.#reserve = reserve;
  }

  init = () => Promise.resolve();
  destroy = () => Promise.resolve();

  async acquireConnection(): Promise<ReservedConnection> {
    return new ReservedConnection(await this.#reserve());
  }

  async beginTransaction(
    { reservation }: ReservedConnection,
    { isolationLevel, accessMode }: TransactionSettings,
  ): Promise<void> {
    await reservation.unsafe([
      "begin",
      ...isolationLevel ? [`isolation level ${isolationLevel}`] : [],
      ...accessMode ? [accessMode] : [],
    ].join(" "));
  }

  async commitTransaction({ reservation }: ReservedConnection): Promise<void> {
    const answer = await reservation.unsafe("commit");
    // PostgreSQL answers COMMIT with ROLLBACK if a statement failed before.
    if ((answer as unknown as Completion).command === "ROLLBACK") {
      throw new Error(
        "the transaction was rolled back: a statement in it failed",
      );
    }
  }

  async rollbackTransaction(
    { reservation }: ReservedConnection,
  ): Promise<void> {
    await reservation.unsafe("rollback");
  }

  releaseConnection({ reservation }: ReservedConnection): Promise<void> {
    reservation.release();
    return Promise.resolve();
  }
}

class ReservedConnection implements DatabaseConnection {
  readonly reservation: Reservation;

  constructor(reservation: Reservation) {
    this.reservation = reservation;
  }

  async executeQuery<Row>(
    { sql, parameters }: CompiledQuery,
  ): Promise<QueryResult<Row>> {
    const rows = await this.reservation.unsafe(sql, [...parameters]);
    const { command, count } = rows as unknown as Completion;
    const writes = /^(INSERT|UPDATE|DELETE|MERGE)$/.test(command);
    return {
      rows: [...rows] as Row[],
      ...writes && { numAffectedRows: BigInt(count) },
    };
  }

  streamQuery(): never {
    throw new Error("streamQuery is not supported: run the query whole");
  }
}
