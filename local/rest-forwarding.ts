/**
 * Hands requests of `/rest/v1` to PostgREST as whom the gateway found them to come
 * from. PostgREST sees no credential of the client, only a token made here.
 */
import { type JWTPayload, SignJWT } from "jose";
import {
  refuseUnreachable,
  translateConnectionErrors,
} from "./error-responses.ts";
import type { Postgrest } from "./postgrest.ts";

/** Passes requests on. */
export interface RestForwarding {
  /** The answer of PostgREST, as it comes. `claims.role` is the role to act as. */
  forward(request: Request, claims: JWTPayload): Promise<Response>;
  /** Gives the connections up. */
  close(): void;
}

const PREFIX = "/rest/v1";
/** Headers that are about one connection (RFC 9110, section 7.6.1), or are made anew. */
const NOT_PASSED_ON = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
  "host",
  "content-length",
  "accept-encoding",
  "apikey",
  "authorization",
];
/** Less than the 30 seconds after which PostgREST closes an idle connection. */
const IDLE_MS = 20_000;

/** Sets the forwarding up; PostgREST need not run yet. */
export function createRestForwarding(
  { url, secret }: Pick<Postgrest, "url" | "secret">,
): RestForwarding {
  const client = Deno.createHttpClient({ poolIdleTimeout: IDLE_MS });
  // Those of API keys have a role and nothing else, and are the same each time.
  const tokensByRole = new Map<string, Promise<string>>();

  function signFor(claims: JWTPayload): Promise<string> {
    const { role, ...rest } = claims;
    if (typeof role !== "string" || Object.keys(rest).length > 0) {
      return sign(claims, secret);
    }
    let token = tokensByRole.get(role);
    if (!token) tokensByRole.set(role, token = sign(claims, secret));
    return token;
  }

  async function forward(
    request: Request,
    claims: JWTPayload,
  ): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const headers = withoutHopHeaders(request.headers);
    headers.set("authorization", `Bearer ${await signFor(claims)}`);
    // Buffered in full: a stream is not faster, and an aborted upload must not look
    // like an unreachable PostgREST.
    const body = request.body && await request.bytes();
    let response: Response;
    try {
      response = await fetch(url + pathname.slice(PREFIX.length) + search, {
        method: request.method,
        headers,
        body,
        redirect: "manual",
        client,
      });
    } catch {
      console.error(`${request.method} ${pathname}: PostgREST is unreachable`);
      return refuseUnreachable();
    }
    return await translateConnectionErrors(
      new Response(response.body, {
        status: response.status,
        headers: withoutHopHeaders(response.headers),
      }),
      request,
    );
  }

  return { forward, close: () => client.close() };
}

async function sign(claims: JWTPayload, secret: Uint8Array): Promise<string> {
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(secret);
}

/** The headers that go on, without those that `connection` names. */
function withoutHopHeaders(headers: Headers): Headers {
  const passed = new Headers(headers);
  const named = headers.get("connection")?.match(/[\w-]+/g) ?? [];
  for (const name of [...NOT_PASSED_ON, ...named]) passed.delete(name);
  return passed;
}
