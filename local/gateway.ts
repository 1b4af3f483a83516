/**
 * The gateway of the stack: a server on the loopback interface that forwards
 * `/rest/v1`, `/auth/v1` and `/functions/v1`, with the headers that the platform's edge
 * sets about the client.
 */
import type { Functions } from "./functions.ts";
import type { PageRefusal } from "./page-refusal.ts";
import type { RestAndAuth } from "./rest-and-auth.ts";
import { StackError } from "./stack-error.ts";

/** The loopback address, and no other, because the stack's keys are public. */
export const GATEWAY_HOSTNAME = "127.0.0.1";

/** A running gateway. */
export interface Gateway {
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** Starts to forward requests; until then they wait. */
  open(services: GatewayServices): void;
  /** Stops listening, and aborts open requests after `CLOSE_GRACE_MS`. */
  close(): Promise<void>;
}

/** The upstream services. */
export interface GatewayServices {
  restAndAuth: RestAndAuth;
  functions: Functions;
  /** Refuses the requests of web pages; without it, any page may call. */
  refusePage?: PageRefusal;
}

/** The grace period of open requests after {@linkcode Gateway.close}, in milliseconds. */
const CLOSE_GRACE_MS = 2000;
/** How long browsers may cache a preflight, in seconds. */
const PREFLIGHT_MAX_AGE_SECONDS = 86_400;
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/**
 * Methods that a `Request` cannot have (Fetch standard, "forbidden method"), which it
 * recognises in any case.
 */
const FORBIDDEN_METHODS = ["CONNECT", "TRACE", "TRACK"];

/**
 * Listens on `port`; 0 takes a free one.
 *
 * @throws {StackError} if the port is in use or not permitted.
 */
export function listen(port: number): Gateway {
  const opened = Promise.withResolvers<GatewayServices>();
  const aborter = new AbortController();
  const running = new Set<Promise<void>>();
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({
      hostname: GATEWAY_HOSTNAME,
      port,
      signal: aborter.signal,
      onListen: () => {},
    }, async (request, { remoteAddr, completed }) => {
      const done = completed.catch(() => {}).then(() => {
        running.delete(done);
      });
      running.add(done);
      try {
        return await route(request, remoteAddr, await opened.promise);
      } catch (error) {
        const { pathname } = new URL(request.url);
        console.error(`${request.method} ${pathname} failed: ${error}`);
        return json(500, "INTERNAL_SERVER_ERROR", "Internal server error");
      }
    });
  } catch (error) {
    throw new StackError(describeListenError(error, port));
  }
  return {
    url: `http://${GATEWAY_HOSTNAME}:${server.addr.port}`,
    open: opened.resolve,
    close: async () => {
      // shutdown() would wait for open requests without a limit.
      await waitAtMost(CLOSE_GRACE_MS, running);
      aborter.abort();
      await server.finished;
    },
  };
}

async function waitAtMost(
  milliseconds: number,
  running: Set<Promise<void>>,
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const grace = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([grace, Promise.all(running)]);
  clearTimeout(timer);
}

function describeListenError(error: unknown, port: number): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return `Cannot listen on port ${port}: it is in use; stop the process that uses it, or choose another port with PORT`;
  }
  return `Cannot listen on port ${port}: ${(error as Error).message}`;
}

async function route(
  request: Request,
  peer: Deno.NetAddr,
  { restAndAuth, functions, refusePage }: GatewayServices,
): Promise<Response> {
  const refusal = refusePage?.(request);
  if (refusal) return refusal;
  const { pathname } = new URL(request.url);
  const { method } = request;
  // A `Request` turns "get" into GET, but HTTP's methods have a case (RFC 9110 §9.1).
  if (method !== method.toUpperCase() || FORBIDDEN_METHODS.includes(method)) {
    return refuseMethod();
  }
  if (pathname.startsWith("/functions/v1/")) {
    return await functions.fetch(asSeenByEdge(request, peer));
  }
  const serve = pathname.startsWith("/rest/v1/")
    ? restAndAuth.rest
    : pathname.startsWith("/auth/v1/")
    ? restAndAuth.auth
    : undefined;
  if (!serve) {
    return json(404, "NOT_FOUND", `Cannot find ${pathname} in this stack`);
  }
  // Lite answers any other method as it answers GET.
  if (!METHODS.includes(method)) return refuseMethod();
  if (isPreflight(request)) return answerPreflight(request);
  return allowAnyOrigin(await serve(asSeenByEdge(request, peer)));
}

/** Sets the headers about the client, and replaces the client's own. */
function asSeenByEdge(request: Request, peer: Deno.NetAddr): Request {
  const url = new URL(request.url);
  const headers = new Headers(request.headers);
  headers.set("cf-connecting-ip", peer.hostname);
  headers.set("x-real-ip", peer.hostname);
  headers.set("x-forwarded-for", peer.hostname);
  headers.set("x-forwarded-host", url.host);
  headers.set("x-forwarded-proto", "http");
  headers.set("x-forwarded-port", url.port || "80");
  headers.delete("forwarded");
  // A copy of the request would follow request.signal, which in Deno also fires after
  // a successful answer.
  const { method, body } = request;
  return new Request(url, { method, headers, body });
}

function isPreflight(request: Request): boolean {
  return request.method === "OPTIONS" &&
    request.headers.has("access-control-request-method");
}

function answerPreflight(request: Request): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-origin": "*",
      "access-control-allow-methods": METHODS.join(","),
      "access-control-allow-headers":
        request.headers.get("access-control-request-headers") ?? "*",
      "access-control-max-age": String(PREFLIGHT_MAX_AGE_SECONDS),
    },
  });
}

function allowAnyOrigin(response: Response): Response {
  const headers = new Headers(response.headers);
  headers.set("access-control-allow-origin", "*");
  return new Response(response.body, { status: response.status, headers });
}

function refuseMethod(): Response {
  return json(405, "METHOD_NOT_ALLOWED", "The method is not supported");
}

function json(status: number, code: string, message: string): Response {
  return Response.json({ code, message }, { status });
}
