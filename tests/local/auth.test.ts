import { createClient } from "@supabase/supabase-js";
import {
  createRemoteJWKSet,
  decodeProtectedHeader,
  jwtVerify,
  SignJWT,
} from "jose";
import { describe, expect, test } from "vitest";
import { REST_SCHEMA } from "./rest-schema.ts";
import { useScratchStack } from "./use-scratch-stack.ts";
import { functionModule } from "../support/scratch-project.ts";

const PASSWORD = "correct horse battery";

describe("/auth/v1", () => {
  const scratch = useScratchStack({
    "migrations/1_notes.sql": REST_SCHEMA,
    "functions/guarded/index.ts": functionModule('new Response("inside")'),
  });

  const client = () =>
    createClient(scratch.stack.url, scratch.stack.publishableKey, {
      auth: { persistSession: false, autoRefreshToken: false },
    });

  async function signUp(email: string) {
    const supabase = client();
    const { data, error } = await supabase.auth.signUp({
      email,
      password: PASSWORD,
      options: { data: { nickname: "Ann" } },
    });
    expect(error).toBeNull();
    return { supabase, session: data.session!, user: data.user! };
  }

  const verifyByJwks = (token: string) =>
    jwtVerify(
      token,
      createRemoteJWKSet(
        new URL(`${scratch.stack.url}/auth/v1/.well-known/jwks.json`),
      ),
      { issuer: `${scratch.stack.url}/auth/v1`, audience: "authenticated" },
    );

  test("sign-up returns a session whose token the JWKS verifies", async () => {
    const { session, user } = await signUp("claims@example.com");
    const { payload, protectedHeader } = await verifyByJwks(
      session.access_token,
    );
    expect(protectedHeader).toMatchObject({
      alg: "ES256",
      kid: expect.any(String),
    });
    expect(payload).toMatchObject({
      sub: user.id,
      role: "authenticated",
      email: "claims@example.com",
      session_id: expect.any(String),
      is_anonymous: false,
      app_metadata: { provider: "email" },
      user_metadata: { nickname: "Ann" },
    });
    expect(payload.exp! - payload.iat!).toBe(session.expires_in);
  });

  test("a session is accepted by rest and by a function that asks for a token", async () => {
    const { supabase, user } = await signUp("everywhere@example.com");
    const { data, error } = await supabase.rpc("whoami");
    expect(error).toBeNull();
    expect(data).toMatchObject({ user: "authenticated", uid: user.id });
    const invoked = await supabase.functions.invoke("guarded");
    expect(invoked).toMatchObject({ data: "inside", error: null });
  });

  test("signInWithPassword, getUser, updateUser and refreshSession work", async () => {
    const email = "back@example.com";
    const { user } = await signUp(email);
    const supabase = client();
    const signedIn = await supabase.auth.signInWithPassword({
      email,
      password: PASSWORD,
    });
    expect(signedIn.error).toBeNull();
    const token = signedIn.data.session!.access_token;
    const self = await supabase.auth.getUser(token);
    expect(self.error).toBeNull();
    expect(self.data.user!.id).toBe(user.id);
    const changed = await supabase.auth.updateUser({ data: { nickname: "B" } });
    expect(changed.error).toBeNull();
    const refreshed = await supabase.auth.refreshSession();
    expect(refreshed.error).toBeNull();
    const { payload } = await verifyByJwks(
      refreshed.data.session!.access_token,
    );
    expect(payload.user_metadata).toMatchObject({ nickname: "B" });
  });

  test("sign-out ends the session", async () => {
    const { supabase, session } = await signUp("out@example.com");
    expect((await supabase.auth.signOut()).error).toBeNull();
    const { data, error } = await client().auth.getUser(session.access_token);
    expect(data.user).toBeNull();
    expect(error?.name).toBe("AuthSessionMissingError");
  });

  test("a wrong password is refused", async () => {
    await signUp("wrong@example.com");
    const { error } = await client().auth.signInWithPassword({
      email: "wrong@example.com",
      password: "guess",
    });
    expect(error?.code).toBe("invalid_credentials");
  });

  test("a token that the stack did not sign gets 403", async () => {
    const { user } = await signUp("forged@example.com");
    for (
      const secret of ["unsafe-secret-change-me", "super-secret-jwt-token"]
    ) {
      const forged = await new SignJWT({ sub: user.id, role: "authenticated" })
        .setProtectedHeader({ alg: "HS256" }).setExpirationTime("1h")
        .sign(new TextEncoder().encode(secret));
      const { data, error } = await client().auth.getUser(forged);
      expect(data.user).toBeNull();
      expect(error?.status).toBe(403);
    }
  });

  test("a request without a key or with an unknown one is refused", async () => {
    for (const headers of [{}, { apikey: "sb_publishable_x" }]) {
      const response = await fetch(`${scratch.stack.url}/auth/v1/settings`, {
        headers: headers as Record<string, string>,
      });
      expect(response.status).toBe(401);
      await response.body?.cancel();
    }
  });

  test("the JWKS holds public parts only, and the key that signs", async () => {
    const response = await fetch(
      `${scratch.stack.url}/auth/v1/.well-known/jwks.json`,
    );
    const { keys } = await response.json();
    expect(keys).toHaveLength(1);
    expect(keys[0]).toMatchObject({ kty: "EC", crv: "P-256", alg: "ES256" });
    expect(keys[0]).not.toHaveProperty("d");
    const token = await scratch.stack.signUserToken(crypto.randomUUID());
    expect(decodeProtectedHeader(token).kid).toBe(keys[0].kid);
  });
});
