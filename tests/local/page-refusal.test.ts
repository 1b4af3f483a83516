import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Stack } from "../../local/stack.ts";
import { createEmptyDatabase } from "../support/databases.ts";
import { exchange } from "../support/raw-http.ts";
import {
  functionModule,
  makeProject,
  type ScratchProject,
  startScratchStack,
} from "../support/scratch-project.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const PATHS = [
  "/rest/v1/notes",
  "/auth/v1/token",
  "/auth/v1/.well-known/jwks.json",
  "/functions/v1/open",
  "/nowhere",
];
const FRIEND = "http://localhost:3000";

describe("a web page", () => {
  let project: ScratchProject;
  let demo: Stack;
  let real: Stack;
  beforeAll(async () => {
    project = await makeProject({
      "config.toml": "[functions.open]\nverify_jwt = false\n",
      "functions/open/index.ts": functionModule('new Response("in")'),
    });
    const databaseUrl = await createEmptyDatabase();
    demo = await startScratchStack(project);
    real = await startScratchStack(project, {
      databaseUrl,
      allowOrigins: [FRIEND],
    });
  });
  afterAll(async () => {
    await demo?.stop();
    await real?.stop();
    await project?.remove();
  });

  /** Status and code of a request with these lines in its head. */
  async function send(stack: Stack, first: string, lines: string[]) {
    const { status, body } = await exchange(Number(new URL(stack.url).port), [
      `${first} HTTP/1.1`,
      `apikey: ${stack.secretKey}`,
      "connection: close",
      ...lines,
    ]);
    const text = new TextDecoder().decode(body);
    return [status, /"code":"(\w+_NOT_ALLOWED)"/.exec(text)?.[1]];
  }
  const hostOf = (stack: Stack) => new URL(stack.url).host;

  test("of another origin is refused by a stack with a database outside it", async () => {
    const { port } = new URL(real.url);
    const foreign = [
      "https://evil.example",
      "null",
      `http://evil.example:${port}`,
      `https://127.0.0.1:${port}`,
      `http://127.0.0.1:${Number(port) + 1}`,
      `http://127.0.0.1:${port}.evil.example`,
      `http://localhost:${port}, https://evil.example`,
    ];
    for (const path of PATHS) {
      for (const origin of foreign) {
        for (const method of ["OPTIONS", "GET", "DELETE"]) {
          const answer = await send(real, `${method} ${path}`, [
            `host: ${hostOf(real)}`,
            `origin: ${origin}`,
            "access-control-request-method: DELETE",
          ]);
          expect([path, origin, method, ...answer])
            .toEqual([path, origin, method, 403, "ORIGIN_NOT_ALLOWED"]);
        }
      }
    }
  });

  test("under a name that resolves to the loopback address is refused", async () => {
    const { port } = new URL(real.url);
    const foreign = [
      `evil.example:${port}`,
      "evil.example",
      "localhost.evil.example",
      "127.0.0.1.evil.example",
      `[::1]:${port}`,
      "",
    ];
    for (const path of PATHS) {
      for (const host of foreign) {
        expect([host, ...await send(real, `GET ${path}`, [`host: ${host}`])])
          .toEqual([host, 403, "HOST_NOT_ALLOWED"]);
        const own = `origin: http://${host}`;
        expect(await send(real, `GET ${path}`, [`host: ${host}`, own]))
          .toEqual([403, "HOST_NOT_ALLOWED"]);
      }
    }
  });

  test("of the stack's own origin, and of an allowed one, is served, and so is a program", async () => {
    const { port } = new URL(real.url);
    const path = "GET /functions/v1/open";
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`]) {
      for (const origin of [`http://${host}`, FRIEND]) {
        expect(await send(real, path, [`host: ${host}`, `origin: ${origin}`]))
          .toEqual([200, undefined]);
      }
      expect(await send(real, path, [`host: ${host}`]))
        .toEqual([200, undefined]);
    }
  });

  test("of any origin is served by a stack with a database of its own", async () => {
    for (const lines of [["host: evil.example"], [`host: ${hostOf(demo)}`]]) {
      lines.push("origin: https://evil.example");
      expect(await send(demo, "GET /functions/v1/open", lines))
        .toEqual([200, undefined]);
    }
  });
});
