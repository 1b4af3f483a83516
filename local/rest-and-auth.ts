/**
 * `/rest/v1` and `/auth/v1`: `@supabase/lite` behind this stack's check of keys and
 * tokens, or PostgREST for `/rest/v1`. Both accept only HS256 here, so the stack verifies
 * a caller's token and forwards its claims; on `/rest/v1`, neither receives a credential
 * of the client.
 *
 * Where Lite differs from PostgREST: a JSON *string* given to a json or jsonb
 * argument or column is read as JSON text (`"5"` becomes 5, `"text"` is refused);
 * objects, arrays, numbers and booleans arrive as they are.
 */
import { App, InMemoryEmailDriver, type ResolvedKey } from "@supabase/lite";
import type { JWTPayload } from "jose";
import { AsyncLocalStorage } from "node:async_hooks";
import { createTokenTranslator } from "./auth-tokens.ts";
import type { Database } from "./database.ts";
import {
  refuse,
  refuseBusy,
  refuseToken,
  translateConnectionErrors,
} from "./error-responses.ts";
import type { ApiKeys } from "./keys.ts";
import { POSTGRES_POOL_SIZE } from "./postgres-pool.ts";
import type { Postgrest } from "./postgrest.ts";
import { createRestForwarding } from "./rest-forwarding.ts";
import { readBearer, type Tokens } from "./tokens.ts";
import { createWaitingRoom, TurnedAway } from "./waiting-room.ts";

/** The dependencies of the two APIs. */
export interface RestAndAuthOptions {
  database: Database;
  keys: ApiKeys;
  tokens: Tokens;
  /** Origin of the stack: `http://127.0.0.1:54321`. */
  url: string;
  /** Schemas that `/rest/v1` exposes, from `[api]` in config.toml. */
  schemas: string[];
  /** Most rows in one answer of `/rest/v1`, from `[api]` in config.toml. */
  maxRows: number;
  /** Serves `/rest/v1` instead of Lite. */
  postgrest?: Postgrest;
}

/** Handlers for requests whose path starts with `/rest/v1` or `/auth/v1`. */
export interface RestAndAuth {
  rest(request: Request): Promise<Response>;
  auth(request: Request): Promise<Response>;
  /** Closes the connections to PostgREST. */
  close(): void;
}

/** Lite resolves a key only if a request has one, so every checked request gets this. */
const CHECKED_KEY = "checked-by-the-gateway";
/** Requests that may wait for the database. */
const MAX_WAITING = 500;
/** Longest wait for the database, in milliseconds: PostgREST's own default. */
export const MAX_WAIT_MS = 10_000;
/** Paths of `/auth/v1` that a browser opens without a key. */
const KEYLESS_AUTH = /^\/auth\/v1\/(callback|authorize|verify)$/;

/** Creates the two APIs, after the migrations: Lite reads the schema once. */
export async function createRestAndAuth(
  { database, keys, tokens, url, schemas, maxRows, postgrest }:
    RestAndAuthOptions,
): Promise<RestAndAuth> {
  // The identity of each request. A client cannot forge an entry, because the key of
  // the map is the request object, not its content.
  const grants = new WeakMap<Request, ResolvedKey>();
  const enter = createWaitingRoom({
    // On PGlite's one connection Lite interleaves the transactions of requests, so that
    // one caller would act as another.
    places: database.kind === "pglite" ? 1 : 2 * POSTGRES_POOL_SIZE,
    maxWaiting: MAX_WAITING,
    maxWaitMs: MAX_WAIT_MS,
  });
  const translator = createTokenTranslator(tokens);
  const app = new App({
    connection: database.connection,
    api: { enabled: true, schemas, max_rows: maxRows },
    auth: {
      enabled: true,
      jwt_secret: translator.sharedSecret,
      site_url: url,
      email: { enable_signup: true, enable_confirmations: false },
    },
    studio: { enabled: false },
    options: {
      drivers: { email: new InMemoryEmailDriver() },
      server: {
        admin: false,
        disableStudio: true,
        apiKeys: {
          resolver: (_key, context) =>
            Promise.resolve(grants.get(context.req.raw) ?? null),
        },
      },
    },
  });
  await app.init();
  await database.connection.introspect({ useCache: true });

  const forwarding = postgrest && createRestForwarding(postgrest);

  async function passRest(
    request: Request,
    grant: ResolvedKey & { claims: JWTPayload },
  ): Promise<Response> {
    if (forwarding) return await forwarding.forward(request, grant.claims);
    const headers = new Headers(request.headers);
    headers.delete("authorization");
    return await pass(request, headers, grant);
  }

  async function pass(
    request: Request,
    headers: Headers,
    grant?: ResolvedKey,
  ): Promise<Response> {
    headers.delete("apikey");
    if (grant) headers.set("apikey", CHECKED_KEY);
    const inner = new Request(request.url, {
      method: request.method,
      headers,
      // Read in full before it waits, because a slow client would block all others.
      body: request.body && await request.bytes(),
    });
    if (grant) grants.set(inner, grant);
    const run = () => quietly(() => app.fetch(inner, { peerAddress: null }));
    try {
      return await translateConnectionErrors(await enter(run), request);
    } catch (error) {
      if (error instanceof TurnedAway) return refuseBusy();
      throw error;
    }
  }

  async function rest(request: Request): Promise<Response> {
    const apikey = request.headers.get("apikey");
    const kind = keys.kindOf(apikey);
    if (!apikey) return refuse("UNAUTHORIZED_MISSING_API_KEY");
    if (!kind) return refuse("UNAUTHORIZED_INVALID_API_KEY");
    const bearer = readBearer(request.headers);
    if (bearer === undefined || bearer.startsWith("sb_")) {
      const role = kind === "secret" ? "service_role" : "anon";
      return await passRest(request, { type: kind, claims: { role } });
    }
    let claims: JWTPayload;
    try {
      claims = await tokens.verify(bearer);
    } catch (error) {
      return refuseToken(error);
    }
    const role = typeof claims.role === "string" ? claims.role : "anon";
    return await passRest(request, {
      type: "publishable",
      claims: { ...claims, role },
    });
  }

  async function auth(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/auth/v1/.well-known/jwks.json") {
      return Response.json(tokens.jwks, {
        headers: { "cache-control": "public, max-age=600" },
      });
    }
    const apikey = request.headers.get("apikey");
    const kind = keys.kindOf(apikey);
    const keyless = KEYLESS_AUTH.test(pathname);
    if (!apikey && !keyless) return refuse("UNAUTHORIZED_MISSING_API_KEY");
    if (!kind && !keyless) return refuse("UNAUTHORIZED_INVALID_API_KEY");
    const headers = new Headers(request.headers);
    await translator.translateRequest(headers);
    const role = kind === "secret" ? "service_role" : "anon";
    const response = await pass(
      request,
      headers,
      kind && { type: kind, claims: { role } },
    );
    return await translator.translateResponse(response);
  }

  return { rest, auth, close: () => forwarding?.close() };
}

const quiet = new AsyncLocalStorage<true>();
const CONSOLE_METHODS = ["debug", "error", "info", "log", "warn"] as const;
let isConsoleWrapped = false;

/**
 * Runs `work` with the console silenced for it and all that it starts: Lite prints
 * every statement that fails, values included, although the caller gets the error.
 */
function quietly<Result>(work: () => Result): Result {
  if (!isConsoleWrapped) wrapConsole();
  return quiet.run(true, work);
}

function wrapConsole(): void {
  isConsoleWrapped = true;
  for (const method of CONSOLE_METHODS) {
    const print = console[method];
    console[method] = (...values: unknown[]) => {
      if (!quiet.getStore()) print.apply(console, values);
    };
  }
}
