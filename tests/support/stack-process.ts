/**
 * The entry point of `startSpawnedStack`: a stack in a process of its own, with the
 * options of `startStack` as JSON in STACK_OPTIONS. It prints the URL of the stack
 * and that of a control server, which returns keys, signs tokens and measures memory.
 */
import { printOutput } from "../../local/function-output.ts";
import { startStack } from "../../local/stack.ts";

const stack = await startStack({
  port: 0,
  functionLog: printOutput,
  ...JSON.parse(Deno.env.get("STACK_OPTIONS") ?? "{}"),
});
await stack.bootFunctions();

const { secretKeys, publishableKey } = stack;
const control = Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: () => {},
}, async (request) => {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/keys") {
    return Response.json({ secretKeys, publishableKey });
  }
  if (pathname === "/token") {
    const expiresIn = Number(searchParams.get("expires_in"));
    const user = searchParams.get("user")!;
    return new Response(await stack.signUserToken(user, { expiresIn }));
  }
  (globalThis as unknown as { gc: () => void }).gc();
  return Response.json(Deno.memoryUsage());
});

Deno.addSignalListener("SIGTERM", async () => {
  await stack.stop();
  Deno.exit(0);
});
console.log(`ready ${stack.url} http://127.0.0.1:${control.addr.port}`);
