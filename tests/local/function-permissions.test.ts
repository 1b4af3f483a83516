import { expect, test } from "vitest";
import { permissionsOf } from "../../local/function-permissions.ts";
import { functionModule } from "../support/scratch-project.ts";
import { useScratchStack } from "./use-scratch-stack.ts";

/** Tries each operation, and returns its error's name, or "done". */
const TRIES = `
const attempt = async (run) => {
  try { await run(); return "done"; } catch (error) { return error.name; }
};
const tries = {
  "reads its own module": () => Deno.readTextFile(new URL(import.meta.url)),
  "calls the stack": () => fetch(Deno.env.get("SUPABASE_URL")),
  "calls a host of a variable": () => fetch(Deno.env.get("PARTNER_URL")),
  "calls another port": () => Deno.connect({ hostname: "127.0.0.1", port: 9 }),
  "calls another host": () => fetch("http://198.51.100.1/"),
  "listens": () => Deno.listen({ hostname: "127.0.0.1", port: 0 }).close(),
  "reads the project's settings": () => Deno.readTextFile(new URL("../../config.toml", import.meta.url)),
  "reads a file of the machine": () => Deno.readTextFile("/etc/passwd"),
  "lists its folder's parent": () => Array.fromAsync(Deno.readDir(new URL("../../", import.meta.url))),
  "writes into its folder": () => Deno.writeTextFile(new URL("./new.ts", import.meta.url), ""),
  "writes a temporary file": () => Deno.makeTempFile(),
  "runs a program": () => new Deno.Command("true").output(),
  "loads a library": () => Deno.dlopen("/lib/x86_64-linux-gnu/libc.so.6", {}),
  "reads the machine's name": () => Deno.hostname(),
};
const all = async () => Object.fromEntries(await Promise.all(
  Object.entries(tries).map(async ([name, run]) => [name, await attempt(run)]),
));
`;

const partner = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  () => new Response(),
);
const scratch = useScratchStack({
  "config.toml": "[functions.reaching]\nverify_jwt = false\n",
  "functions/reaching/index.ts": TRIES +
    functionModule("Response.json(await all())"),
}, { functionEnv: { PARTNER_URL: `http://127.0.0.1:${partner.addr.port}` } });

test("a function reaches its sources, the stack and the hosts of its variables, and nothing else", async () => {
  const { url } = scratch.stack;
  const answer = await fetch(`${url}/functions/v1/reaching`);
  expect(await answer.json()).toEqual({
    "reads its own module": "done",
    "calls the stack": "done",
    "calls a host of a variable": "done",
    "calls another port": "NotCapable",
    "calls another host": "NotCapable",
    "listens": "NotCapable",
    "reads the project's settings": "NotCapable",
    "reads a file of the machine": "NotCapable",
    "lists its folder's parent": "NotCapable",
    "writes into its folder": "NotCapable",
    "writes a temporary file": "NotCapable",
    "runs a program": "NotCapable",
    "loads a library": "NotCapable",
    "reads the machine's name": "NotCapable",
  });
  await partner.shutdown();
});

test("hosts are those of every URL in a variable, with the port of the scheme", () => {
  const { net, read } = permissionsOf({
    entrypoint: "/p/supabase/other/index.ts",
    env: {
      SUPABASE_URL: "http://127.0.0.1:54321",
      SUPABASE_DB_URL: "postgresql://u:p@db.example/postgres",
      LEDGER_WITNESSES:
        "w.example/w+1+key https://w.example/add, other+2+key http://[::1]:8080/",
      TEXT: "not a URL: 10.0.0.1",
    },
    sources: ["/p/shared"],
  });
  expect(net).toEqual([
    "127.0.0.1:54321",
    "db.example:5432",
    "w.example:443",
    "[::1]:8080",
  ]);
  expect(read).toEqual(["/p/supabase/other", "/p/shared"]);
});
