/**
 * The one door of the stack: a server on the loopback interface that hands
 * `/rest/v1`, `/auth/v1` and `/functions/v1` on, and says to each what the
 * platform's edge would say about the client.
 */
import type { Functions } from "./functions.ts";
import type { RestAndAuth } from "./rest-and-auth.ts";
import { StackError } from "./stack-error.ts";

/** The only address that the stack listens on. Its keys are public knowledge. */
export const GATEWAY_HOSTNAME = "127.0.0.1";

/** A running gateway. */
export interface Gateway {
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** Starts to hand requests on; until then they wait. */
  open(services: GatewayServices): void;
  /** Stops listening, and ends open requests after a moment's grace. */
  close(): Promise<void>;
}

/** What stands behind the gateway. */
export interface GatewayServices {
  restAndAuth: RestAndAuth;
  functions: Functions;
}

/** How long open requests may go on after {@linkcode Gateway.close}, in milliseconds. */
const CLOSE_GRACE_MS = 2000;
/** How long a browser may remember a preflight, in seconds. */
const PREFLIGHT_MAX_AGE_SECONDS = 86_400;
const METHODS = "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS";

/**
 * Listens on `port`; 0 takes a free one.
 *
 * @throws {StackError} when the port is taken or not allowed.
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
      await settleWithin(CLOSE_GRACE_MS, running);
      aborter.abort();
      await server.finished;
    },
  };
}

async function settleWithin(
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
    return `Cannot listen on port ${port}: it is already in use; stop what uses it, or choose another with PORT`;
  }
  return `Cannot listen on port ${port}: ${(error as Error).message}`;
}

async function route(
  request: Request,
  peer: Deno.NetAddr,
  { restAndAuth, functions }: GatewayServices,
): Promise<Response> {
  const { pathname } = new URL(request.url);
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
  if (isPreflight(request)) return answerPreflight(request);
  return allowAnyOrigin(await serve(asSeenByEdge(request, peer)));
}

/** Says who the client is; what the client says about itself is replaced. */
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
  // Made from its parts: a copy would tie itself to request.signal, which in Deno
  // also fires after a successful answer.
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
      "access-control-allow-methods": METHODS,
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

function json(status: number, code: string, message: string): Response {
  return Response.json({ code, message }, { status });
}
