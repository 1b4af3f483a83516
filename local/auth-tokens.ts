/**
 * Translates between the tokens of the platform (ES256) and those of Lite's auth
 * API (HS256 with a secret that never leaves this process), so that a session
 * from `supabase.auth` is accepted everywhere in the stack.
 */
import { type JWTPayload, jwtVerify, SignJWT } from "jose";
import { readBearer, type Tokens } from "./tokens.ts";

/** Translates requests to Lite and its responses. */
export interface TokenTranslator {
  /** Lite's HS256 secret, random for each start of the stack. */
  readonly sharedSecret: string;
  /** Replaces a valid ES256 token in `Authorization`; Lite refuses any other. */
  translateRequest(headers: Headers): Promise<void>;
  /** Replaces Lite's tokens in a JSON body or in a redirect's fragment. */
  translateResponse(response: Response): Promise<Response>;
}

/** The relevant part of a session in Lite's answers. */
interface Session {
  access_token: string;
  user?: {
    app_metadata?: Record<string, unknown>;
    user_metadata?: Record<string, unknown>;
  };
}

/** Creates a translator with a random secret. */
export function createTokenTranslator(tokens: Tokens): TokenTranslator {
  const sharedSecret = `${crypto.randomUUID()}${crypto.randomUUID()}`;
  const secret = new TextEncoder().encode(sharedSecret);

  async function toPlatform(session: Session): Promise<string> {
    const { payload } = await jwtVerify(session.access_token, secret, {
      algorithms: ["HS256"],
    });
    return await tokens.sign({
      phone: "",
      aal: "aal1",
      amr: [{ method: "password", timestamp: payload.iat }],
      app_metadata: session.user?.app_metadata ?? {},
      user_metadata: session.user?.user_metadata ?? {},
      is_anonymous: false,
      ...payload,
    });
  }

  async function toLite(claims: JWTPayload): Promise<string> {
    return await new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(secret);
  }

  async function translateRequest(headers: Headers): Promise<void> {
    const bearer = readBearer(headers);
    if (!bearer || bearer.startsWith("sb_")) return;
    try {
      const claims = await tokens.verify(bearer);
      headers.set("authorization", `Bearer ${await toLite(claims)}`);
    } catch {
      // Unchanged: Lite answers a foreign token as the auth server does.
    }
  }

  async function translateResponse(response: Response): Promise<Response> {
    const headers = new Headers(response.headers);
    const location = headers.get("location");
    if (location?.includes("#")) {
      headers.set("location", await translateFragment(location));
    }
    if (!headers.get("content-type")?.startsWith("application/json")) {
      return new Response(response.body, { status: response.status, headers });
    }
    const text = await response.text();
    headers.delete("content-length");
    return new Response(await translateBody(text), {
      status: response.status,
      headers,
    });
  }

  async function translateBody(text: string): Promise<string> {
    if (!text.includes('"access_token"')) return text;
    const body = JSON.parse(text) as Partial<Session>;
    if (typeof body.access_token !== "string") return text;
    body.access_token = await toPlatform(body as Session);
    return JSON.stringify(body);
  }

  async function translateFragment(location: string): Promise<string> {
    const [address, fragment] = location.split("#", 2);
    const values = new URLSearchParams(fragment);
    const token = values.get("access_token");
    if (!token) return location;
    values.set("access_token", await toPlatform({ access_token: token }));
    return `${address}#${values}`;
  }

  return { sharedSecret, translateRequest, translateResponse };
}
