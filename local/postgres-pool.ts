/**
 * A connection pool that survives a restart of its server. With postgres.js 3.4 alone,
 * a connection that closes during a transaction ends the process (the rollback is
 * written to a closed socket), returns to the pool although it is dead, or never
 * flushes its buffer again. So a lost connection gets no further statement, and
 * replaces the whole pool.
 */
import {
  createPostgresConnection,
  type PostgresConnection,
} from "@supabase/lite/postgres";
import { createKysely, type Reservation } from "./kysely-dialect.ts";
import { joinPreamble } from "./transaction-preamble.ts";

/** Most connections at once. */
export const POSTGRES_POOL_SIZE = 10;
/** The connection timeout, in seconds. */
export const POSTGRES_CONNECT_TIMEOUT_SECONDS = 5;

/** Codes of sockets (`ECONNRESET`) and of postgres.js (`CONNECTION_CLOSED`). */
const SOCKET_CODE = /^(E[A-Z]+|CONNECT(ION)?_[A-Z]+)$/;
/** SQLSTATEs of a server that shuts down, crashed, starts up or is out of connections. */
const SERVER_GONE = /^(57P|53300)/;

type Driver = PostgresConnection["driver"];
type Reserved = Awaited<ReturnType<Driver["reserve"]>>;

/** A pool that Lite and the migrations share. */
export interface PostgresPool {
  /** Lite's connection; every query of Lite goes through {@linkcode reserve}. */
  connection: PostgresConnection;
  /** Waits for a free connection. Rejects if the server is unreachable. */
  reserve(): Promise<Reservation>;
  close(): Promise<void>;
}

/** One generation of the pool. */
interface Generation {
  connection: PostgresConnection;
  reserve: Driver["reserve"];
  /** Called with the id of a closed connection. */
  closeListeners: Set<(id: number) => void>;
}

/** Opens a pool; no connection is made before the first reservation. */
export function createPostgresPool(url: string): PostgresPool {
  ignoreLostTypesQuery();
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
    // The other requests on the old generation finish without a timeout.
    void old.connection.driver.end().catch(() => {});
  }

  async function reserve(): Promise<Reservation> {
    if (free === 0) await new Promise<void>((resolve) => queue.push(resolve));
    else free--;
    const releaseSlot = () => {
      const next = queue.shift();
      if (next) next();
      else free++;
    };
    try {
      return guard(current, await reserveWithin(current), releaseSlot);
    } catch (error) {
      releaseSlot();
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
 * Whether `error` is of the query for array types with which postgres.js starts each
 * connection. It does not await the query, so a server that dies meanwhile causes an
 * unhandled rejection.
 */
export function isLostTypesQuery(error: unknown): boolean {
  const { code = "", query } = error as { code?: string; query?: unknown };
  return endsConnection({ code }) && typeof query === "string" &&
    query.includes("from pg_catalog.pg_type a");
}

let isListening = false;

/** Ignores that rejection: the caller that reserved the connection gets the error. */
function ignoreLostTypesQuery(): void {
  if (isListening) return;
  isListening = true;
  globalThis.addEventListener("unhandledrejection", (event) => {
    if (isLostTypesQuery(event.reason)) event.preventDefault();
  });
}

/** A reservation with a timeout: postgres.js can lose one if the server dies meanwhile. */
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

/** A reservation that rejects statements once its connection is lost. */
function guard(
  { closeListeners }: Generation,
  reserved: Reserved,
  releaseSlot: () => void,
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
      releaseSlot();
    },
  };
}

/** Whether `error` means that its connection is lost. */
function endsConnection(error: unknown): boolean {
  const { code = "" } = error as { code?: string };
  return SERVER_GONE.test(code) || SOCKET_CODE.test(code);
}

/** Puts the code into the message, which is all that Lite passes on. */
function nameByCode(error: unknown): unknown {
  if (!endsConnection(error)) return error;
  return connectionError((error as { code: string }).code);
}

function connectionError(code: string): Error {
  return Object.assign(new Error(`the connection failed: ${code}`), { code });
}

/**
 * Lite passes json parameters as text; postgres.js would encode them a second time, and
 * an object would arrive as a string.
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
