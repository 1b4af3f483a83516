/**
 * A stack over a database of its own whose every connection goes through a proxy:
 * from the client to the function, from there to REST, and on to PostgreSQL.
 *
 * @module
 */
import postgres from "postgres";
import { inject } from "vitest";
import { createDatabase } from "../../local/postgres.ts";
import { startStack } from "../../local/stack.ts";
import { serveFunctions } from "./function-server.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** What the tests use of it. */
export interface ProxiedStack {
  /** A connection that goes around the proxies. */
  sql: postgres.Sql;
  secretKey: string;
  toFunction: TcpProxy;
  toRest: TcpProxy;
  toDatabase: TcpProxy;
  close(): Promise<void>;
}

/** Starts it. */
export async function startProxiedStack(): Promise<ProxiedStack> {
  const url = await createDatabase({ url: inject("postgresUrl") });
  const sql = postgres(url, { max: 1 });
  const toDatabase = startTcpProxy(Number(new URL(url).port));
  const proxied = new URL(url);
  proxied.port = String(toDatabase.port);
  const stack = await startStack({ port: 0, databaseUrl: proxied.href });
  const { secretKey } = stack;
  const toRest = startTcpProxy(Number(new URL(stack.url).port));
  const functions = serveFunctions({
    url: `http://127.0.0.1:${toRest.port}`,
    secretKey,
  });
  const toFunction = startTcpProxy(functions.port);
  const close = async () => {
    await toFunction.close();
    await functions.close();
    await toRest.close();
    await stack.stop();
    await toDatabase.close();
    await sql.end();
  };
  return { sql, secretKey, toFunction, toRest, toDatabase, close };
}
