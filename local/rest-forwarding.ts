/**
 * Forwards requests of `/rest/v1` to PostgREST, with a token of the verified claims in
 * place of the client's credentials.
 */
import { type JWTPayload, SignJWT } from "jose";
import {
  refuseUnreachable,
  translateConnectionErrors,
} from "./error-responses.ts";
import type { Postgrest } from "./postgrest.ts";

/** Forwards requests. */
export interface RestForwarding {
  /** PostgREST's answer, streamed. `claims.role` is the role of the request. */
  forward(request: Request, claims: JWTPayload): Promise<Response>;
  /** Closes the connections. */
  close(): void;
}

const PREFIX = "/rest/v1";
/** Hop-by-hop headers (RFC 9110 §7.6.1), and those that are set anew. */
const DROPPED_HEADERS = [
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
/** Less than PostgREST's idle timeout of 30 seconds. */
const IDLE_MS = 20_000;

/** Creates the forwarding; PostgREST need not run yet. */
export function createRestForwarding(
  { url, secret }: Pick<Postgrest, "url" | "secret">,
): RestForwarding {
  const client = Deno.createHttpClient({ poolIdleTimeout: IDLE_MS });
  // Cached for claims with only a role, which are those of API keys.
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
    // Buffered, because a stream is not faster and an aborted upload must not look like
    // an unreachable PostgREST.
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

/** The end-to-end headers: also without those that `connection` names. */
function withoutHopHeaders(headers: Headers): Headers {
  const passed = new Headers(headers);
  const named = headers.get("connection")?.match(/[\w-]+/g) ?? [];
  for (const name of [...DROPPED_HEADERS, ...named]) passed.delete(name);
  return passed;
}
