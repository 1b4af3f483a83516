/**
 * A pool of connections that outlives its server. With postgres.js 3.4 alone, a
 * connection that closes in the middle of a transaction ends the process (the
 * rollback is written to a socket that is gone), goes back to the pool although
 * it is dead, or never flushes its buffer again. So nothing more is said on a
 * connection once it is lost, and one lost connection replaces the whole pool.
 */
import {
  createPostgresConnection,
  type PostgresConnection,
} from "@supabase/lite/postgres";
import { createKysely, type Reservation } from "./kysely-dialect.ts";
import { joinPreamble } from "./transaction-preamble.ts";

/** Most connections at once. */
export const POSTGRES_POOL_SIZE = 10;
/** How long a server may take to accept a connection, in seconds. */
export const POSTGRES_CONNECT_TIMEOUT_SECONDS = 5;

/** Codes of sockets (`ECONNRESET`) and of postgres.js (`CONNECTION_CLOSED`). */
const SOCKET_CODE = /^(E[A-Z]+|CONNECT(ION)?_[A-Z]+)$/;
/** SQLSTATEs of a server that shuts down, crashed, starts up or has no place left. */
const SERVER_GONE = /^(57P|53300)/;

type Driver = PostgresConnection["driver"];
type Reserved = Awaited<ReturnType<Driver["reserve"]>>;

/** A pool that Lite and the migrations share. */
export interface PostgresPool {
  /** Lite's connection; every query of Lite goes through {@linkcode reserve}. */
  connection: PostgresConnection;
  /** Waits for a free connection. Rejects when the server cannot be reached. */
  reserve(): Promise<Reservation>;
  close(): Promise<void>;
}

/** One generation of the pool. */
interface Generation {
  connection: PostgresConnection;
  reserve: Driver["reserve"];
  /** What to do when the connection with an id closes. */
  closeListeners: Set<(id: number) => void>;
}

/** Opens a pool; no connection is made before the first reservation. */
export function createPostgresPool(url: string): PostgresPool {
  surviveLostTypesQuery();
  const queue: (() => void)[] = [];
  let free = POSTGRES_POOL_SIZE;
  let closing = false;
  let current = openGeneration();
  const { connection } = current;

  function openGeneration(): Generation {
    const closeListeners = new Set<(id: number) => void>();
    const opened = createPostgresConnection({
      url,
      postgresOptions: {
        max: POSTGRES_POOL_SIZE,
        connect_timeout: POSTGRES_CONNECT_TIMEOUT_SECONDS,
        onnotice: () => {},
        onclose: (id: number) => {
          closeListeners.forEach((listener) => listener(id));
          if (current.connection === opened && !closing) replaceCurrent();
        },
        types: { json: passJsonThrough(114), jsonb: passJsonThrough(3802) },
      },
    });
    const reserve = opened.driver.reserve.bind(opened.driver);
    return { connection: opened, reserve, closeListeners };
  }

  function replaceCurrent(): void {
    const old = current;
    current = openGeneration();
    // Lets the other requests on the old generation finish, however long it takes.
    void old.connection.driver.end().catch(() => {});
  }

  async function reserve(): Promise<Reservation> {
    if (free === 0) await new Promise<void>((resolve) => queue.push(resolve));
    else free--;
    const giveBack = () => {
      const next = queue.shift();
      if (next) next();
      else free++;
    };
    try {
      return guard(current, await reserveWithin(current), giveBack);
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  connection.kysely = createKysely(reserve);

  return {
    connection,
    reserve,
    close: async () => {
      closing = true;
      await current.connection.driver.end({ timeout: 0 });
    },
  };
}

/**
 * Whether `error` is that of the query for the array types, with which each
 * connection of postgres.js begins: postgres.js does not await it, so when the
 * server dies during the query, its rejection is never handled.
 */
export function isLostTypesQuery(error: unknown): boolean {
  const { code = "", query } = error as { code?: string; query?: unknown };
  return endsConnection({ code }) && typeof query === "string" &&
    query.includes("from pg_catalog.pg_type a");
}

let surviving = false;

/** Keeps the process alive: the caller that reserved the connection gets the error. */
function surviveLostTypesQuery(): void {
  if (surviving) return;
  surviving = true;
  globalThis.addEventListener("unhandledrejection", (event) => {
    if (isLostTypesQuery(event.reason)) event.preventDefault();
  });
}

/** postgres.js can lose sight of a reservation when a server dies while accepting it. */
function reserveWithin(generation: Generation): Promise<Reserved> {
  const reserving = generation.reserve();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(connectionError("CONNECT_TIMEOUT"));
      reserving.then((late) => late.release(), () => {});
    }, POSTGRES_CONNECT_TIMEOUT_SECONDS * 1000);
    reserving.then(resolve, (error) => reject(nameByCode(error)))
      .finally(() => clearTimeout(timer));
  });
}

/** Keeps a reservation from saying anything on a connection that is lost. */
function guard(
  { closeListeners }: Generation,
  reserved: Reserved,
  giveBack: () => void,
): Reservation {
  let id: number | undefined;
  let lost = false;
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => {});
  const onClose = (closedId: number) => {
    if (closedId !== id) return;
    lost = true;
    closed.reject(connectionError("CONNECTION_CLOSED"));
  };
  closeListeners.add(onClose);
  const options = {
    // postgres.js's own hook: the only way to learn which connection this is.
    onexecute: (connection: { id: number }) => {
      id = connection.id;
      return true;
    },
  };
  const run = joinPreamble(async (statement, parameters) => {
    const query = reserved.unsafe(
      statement,
      parameters as never[],
      options as never,
    );
    try {
      return await Promise.race([query, closed.promise]);
    } catch (error) {
      if (endsConnection(error)) lost = true;
      throw nameByCode(error);
    }
  });
  return {
    unsafe: async (statement, parameters = []) => {
      if (lost) throw connectionError("CONNECTION_CLOSED");
      return await run(statement, parameters);
    },
    release: () => {
      closeListeners.delete(onClose);
      // A lost connection frees its place in the pool by closing.
      if (!lost) reserved.release();
      giveBack();
    },
  };
}

/** Whether nothing can follow `error` on its connection. */
function endsConnection(error: unknown): boolean {
  const { code = "" } = error as { code?: string };
  return SERVER_GONE.test(code) || SOCKET_CODE.test(code);
}

/** These errors have many texts and few codes, and Lite passes on only the text. */
function nameByCode(error: unknown): unknown {
  if (!endsConnection(error)) return error;
  return connectionError((error as { code: string }).code);
}

function connectionError(code: string): Error {
  return Object.assign(new Error(`the connection failed: ${code}`), { code });
}

/**
 * Lite hands over json parameters that are already text; its own serializer
 * would encode them a second time, and an object would arrive as a string.
 */
function passJsonThrough(oid: number) {
  return {
    to: oid,
    from: [oid],
    serialize: (value: unknown) =>
      typeof value === "string" ? value : JSON.stringify(value),
    parse: (text: string) => JSON.parse(text),
  };
}
