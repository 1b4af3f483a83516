import { createClient } from "@supabase/supabase-js";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startPostgres } from "../../local/postgres.ts";
import { findPostgrest } from "../../local/postgrest-program.ts";
import type { Stack } from "../../local/stack.ts";
import { REST_SCHEMA } from "./rest-schema.ts";
import {
  makeProject,
  type ScratchProject,
  startScratchStack,
} from "../support/scratch-project.ts";

// Starting databases takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const ANN = "11111111-1111-4111-8111-111111111111";
const BOB = "22222222-2222-4222-8222-222222222222";
const NAMED_KEY = "sb_secret_a_producer_of_events";

const { missing } = findPostgrest();
const POSTGREST = "PostgreSQL by PostgREST";

for (const driver of ["PGlite", "PostgreSQL", POSTGREST]) {
  const reason = driver === POSTGREST && missing;
  const name = `/rest/v1 on ${driver}${reason ? ` (not run: ${reason})` : ""}`;
  describe.skipIf(reason)(name, () => {
    let project: ScratchProject;
    let stack: Stack;
    const cleanups: (() => Promise<void>)[] = [];

    beforeAll(async () => {
      project = await makeProject({ "migrations/1_notes.sql": REST_SCHEMA });
      cleanups.push(project.remove);
      let databaseUrl: string | undefined;
      if (driver !== "PGlite") {
        const server = await startPostgres();
        cleanups.push(() => server.stop());
        databaseUrl = server.url;
      }
      stack = await startScratchStack(project, {
        databaseUrl,
        postgrest: driver === POSTGREST ? "" : undefined,
        secretKeys: { producer: NAMED_KEY },
      });
      cleanups.push(stack.stop);
    });

    afterAll(async () => {
      for (const cleanup of cleanups.reverse()) await cleanup();
    });

    function call(
      path: string,
      headers: Record<string, string>,
      body?: unknown,
    ) {
      return fetch(`${stack.url}/rest/v1/${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: { "content-type": "application/json", ...headers },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    }

    async function whoami(headers: Record<string, string>) {
      const response = await call("rpc/whoami", headers, {});
      expect(response.status).toBe(200);
      return await response.json();
    }

    test("a secret key of any name acts as service_role", async () => {
      for (const apikey of [stack.secretKey, NAMED_KEY]) {
        expect(await whoami({ apikey })).toMatchObject({
          user: "service_role",
          role: "service_role",
          uid: null,
        });
      }
    });

    test("a secret key sent in both headers acts as service_role", async () => {
      const { secretKey: apikey } = stack;
      const who = await whoami({ apikey, authorization: `Bearer ${apikey}` });
      expect(who.user).toBe("service_role");
    });

    test("a publishable key acts as anon", async () => {
      const who = await whoami({ apikey: stack.publishableKey });
      expect(who).toMatchObject({ user: "anon", role: "anon", uid: null });
    });

    test("a secret key in Authorization does not raise a publishable key", async () => {
      const who = await whoami({
        apikey: stack.publishableKey,
        authorization: `Bearer ${stack.secretKey}`,
      });
      expect(who.user).toBe("anon");
    });

    test("a user's token acts as that user, also beside a secret key", async () => {
      const token = await stack.signUserToken(ANN, { role: "chairman" });
      for (const apikey of [stack.publishableKey, stack.secretKey]) {
        expect(await whoami({ apikey, authorization: `Bearer ${token}` }))
          .toEqual({
            user: "authenticated",
            role: "authenticated",
            uid: ANN,
            app_role: "chairman",
          });
      }
    });

    test("a request without an API key is refused", async () => {
      const token = await stack.signUserToken(ANN);
      const attempts: Record<string, string>[] = [
        {},
        { authorization: `Bearer ${token}` },
        { authorization: `Bearer ${stack.secretKey}` },
      ];
      for (const headers of attempts) {
        const response = await call("rpc/whoami", headers, {});
        expect(response.status).toBe(401);
        expect(response.headers.get("sb-error-code"))
          .toBe("UNAUTHORIZED_MISSING_API_KEY");
        await response.body?.cancel();
      }
    });

    test("an unknown API key is refused, and so is the gateway's own mark", async () => {
      for (
        const apikey of ["nonsense", "sb_secret_x", "checked-by-the-gateway"]
      ) {
        const response = await call("rpc/whoami", { apikey }, {});
        expect(response.status).toBe(401);
        await response.body?.cancel();
      }
    });

    test("a table without a grant is out of reach, even for service_role", async () => {
      const response = await call("ungranted", { apikey: stack.secretKey });
      expect(response.status).toBe(403);
      expect((await response.json()).code).toBe("42501");
    });

    test("requests leave the migrations' grants as they are", async () => {
      await whoami({ apikey: stack.secretKey });
      const response = await fetch(`${stack.url}/rest/v1/notes?id=gt.0`, {
        method: "DELETE",
        headers: { apikey: stack.secretKey },
      });
      expect(response.status).toBe(403);
      await response.body?.cancel();
    });

    test("row security shows a user their own rows", async () => {
      const admin = createClient(stack.url, stack.secretKey);
      const inserted = await admin.from("notes").insert([
        { owner: ANN, body: { of: "ann" } },
        { owner: BOB, body: { of: "bob" } },
      ]);
      expect(inserted.error).toBeNull();
      const token = await stack.signUserToken(ANN);
      const ann = createClient(stack.url, stack.publishableKey, {
        accessToken: () => Promise.resolve(token),
      });
      const { data, error } = await ann.from("notes").select("owner, body");
      expect(error).toBeNull();
      expect(data).toEqual([{ owner: ANN, body: { of: "ann" } }]);
    });

    test("a jsonb argument keeps its type and value", async () => {
      const admin = createClient(stack.url, stack.secretKey);
      const values = [
        ["object", { a: 1, nested: { b: ["x", null] } }],
        ["array", [{ a: 1 }, 2, "3"]],
        ["number", 5],
        ["boolean", false],
      ] as const;
      // Lite reads a string as JSON text; see local/rest-and-auth.ts.
      const texts = driver === POSTGREST
        ? [["string", "5"], ["string", "text"]] as const
        : [];
      for (const [type, value] of [...values, ...texts]) {
        const { data, error } = await admin.rpc("typeof_argument", {
          argument: value,
        });
        expect(error).toBeNull();
        expect(data).toEqual({ type, value });
      }
    });

    test("a jsonb column keeps the inserted value", async () => {
      const admin = createClient(stack.url, stack.secretKey);
      for (const body of [{ a: { b: 1 } }, [1, { c: 2 }], 7]) {
        const { data, error } = await admin.from("notes")
          .insert({ owner: BOB, body }).select("body").single();
        expect(error).toBeNull();
        expect(data).toEqual({ body });
      }
    });

    test("requests at the same time keep their own identity", async () => {
      const people = await Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
          const uid = crypto.randomUUID();
          const headers: Record<string, string> = index % 3 === 0
            ? { apikey: stack.secretKey }
            : {
              apikey: stack.publishableKey,
              authorization: `Bearer ${await stack.signUserToken(uid)}`,
            };
          return { uid: index % 3 === 0 ? null : uid, headers };
        }),
      );
      const answers = await Promise.all(people.map(async ({ headers }) => {
        const response = await call("rpc/whoami_slowly", headers, {});
        return { status: response.status, who: await response.json() };
      }));
      answers.forEach(({ status, who }, index) => {
        const { uid } = people[index];
        expect({ status, uid: who.uid, user: who.user }).toEqual({
          status: 200,
          uid,
          user: uid ? "authenticated" : "service_role",
        });
      });
    });
  });
}
