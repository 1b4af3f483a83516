import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import { startStack } from "../../local/stack.ts";
import { exchange } from "../support/raw-http.ts";
import { useScratchStack } from "./use-scratch-stack.ts";
import {
  functionModule,
  makeProject,
  startScratchStack,
} from "../support/scratch-project.ts";

describe("the gateway", () => {
  const scratch = useScratchStack({
    "config.toml": "[functions.headers]\nverify_jwt = false\n",
    "functions/headers/index.ts": functionModule(
      "Response.json(Object.fromEntries(req.headers))",
    ),
    "functions/slow/index.ts":
      "export default { fetch: async () => { await new Promise((done) => setTimeout(done, 500)); return new Response('done'); } };",
  });

  test("listens on the loopback interface alone", async () => {
    const port = Number(new URL(scratch.stack.url).port);
    expect(new URL(scratch.stack.url).hostname).toBe("127.0.0.1");
    const others = Object.values(networkInterfaces()).flat()
      .filter((address) => address!.family === "IPv4" && !address!.internal)
      .map((address) => address!.address);
    for (const hostname of [...others, "127.0.0.2"]) {
      await expect(Deno.connect({ hostname, port })).rejects.toThrow();
    }
  });

  test("answers 404 in JSON for paths that are not the stack's", async () => {
    for (
      const path of [
        "/",
        "/rest/v1",
        "/rest/v2/x",
        "/functions/v1",
        "/storage/v1/object/x",
        "/_system/config",
        "/studio",
        "//rest/v1/x",
      ]
    ) {
      const response = await fetch(scratch.stack.url + path, {
        headers: { apikey: scratch.stack.secretKey },
      });
      expect([path, response.status]).toEqual([path, 404]);
      expect(await response.json()).toMatchObject({ code: "NOT_FOUND" });
    }
  });

  test("gives a function the peer's address, not that of the client's headers", async () => {
    const { host, port } = new URL(scratch.stack.url);
    const response = await fetch(`${scratch.stack.url}/functions/v1/headers`, {
      headers: {
        "cf-connecting-ip": "203.0.113.9",
        "x-real-ip": "203.0.113.9",
        "x-forwarded-for": "203.0.113.9, 203.0.113.10",
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "x-forwarded-port": "443",
        "forwarded": "for=203.0.113.9",
        "sb-api-key": "sb_secret_x",
      },
    });
    const seen = await response.json();
    expect(seen).toMatchObject({
      "cf-connecting-ip": "127.0.0.1",
      "x-real-ip": "127.0.0.1",
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-host": host,
      "x-forwarded-proto": "http",
      "x-forwarded-port": port,
    });
    expect(JSON.stringify(seen)).not.toContain("203.0.113.");
    expect(seen).not.toHaveProperty("forwarded");
    expect(seen).not.toHaveProperty("sb-api-key");
  });

  test("answers preflights of rest and auth, and lets any origin read", async () => {
    for (const path of ["/rest/v1/notes", "/auth/v1/token"]) {
      const preflight = await fetch(scratch.stack.url + path, {
        method: "OPTIONS",
        headers: {
          origin: "https://app.example",
          "access-control-request-method": "POST",
          "access-control-request-headers": "apikey, x-own",
        },
      });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
      expect(preflight.headers.get("access-control-allow-methods"))
        .toContain("POST");
      expect(preflight.headers.get("access-control-allow-headers"))
        .toContain("x-own");
      const refusal = await fetch(scratch.stack.url + path);
      expect(refusal.status).toBe(401);
      expect(refusal.headers.get("access-control-allow-origin")).toBe("*");
      await refusal.body?.cancel();
    }
  });

  test("refuses methods that are not HTTP's own, in any case", async () => {
    const { port } = new URL(scratch.stack.url);
    const send = async (method: string, path: string) =>
      (await exchange(Number(port), [
        `${method} ${path} HTTP/1.1`,
        `host: 127.0.0.1:${port}`,
        `apikey: ${scratch.stack.secretKey}`,
        "connection: close",
      ])).status;
    for (
      const path of ["/rest/v1/notes", "/auth/v1/user", "/functions/v1/headers"]
    ) {
      for (
        const method of ["TRACE", "TRACK", "trace", "Track", "get", "Post"]
      ) {
        expect([method, path, await send(method, path)])
          .toEqual([method, path, 405]);
      }
    }
    expect(await send("BREW", "/rest/v1/notes")).toBe(405);
    expect(await send("BREW", "/auth/v1/user")).toBe(405);
    expect(await send("CONNECT", "/functions/v1/headers")).toBe(400);
  });

  test("lets an open request finish when the stack stops", async () => {
    const other = await startScratchStack(scratch.project);
    const answer = fetch(`${other.url}/functions/v1/slow`, {
      headers: { apikey: other.secretKey },
    });
    await new Promise((done) => setTimeout(done, 200));
    await other.stop();
    expect(await (await answer).text()).toBe("done");
    await expect(fetch(other.url)).rejects.toThrow();
    await other.stop();
  });

  test("releases its port when the start fails", async () => {
    const broken = await makeProject({ "migrations/1_bad.sql": "nonsense;" });
    const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = probe.addr;
    probe.close();
    const options = { port, memory: true, projectDir: broken.dir };
    await expect(startStack(options)).rejects.toThrow("1_bad.sql");
    await broken.write("migrations/1_bad.sql", "select 1;");
    const repaired = await startStack(options);
    expect(repaired.url).toBe(`http://127.0.0.1:${port}`);
    await repaired.stop();
    await broken.remove();
  });
});
