/**
 * Runs a stack as a process of its own, so that everything that its functions
 * print can be read. Takes the functions' variables as JSON in FUNCTION_ENV and a
 * database in DATABASE_URL, and prints the stack's URL when it answers.
 */
import { printOutput } from "../../local/function-output.ts";
import { startStack } from "../../local/stack.ts";

const databaseUrl = Deno.env.get("DATABASE_URL");
const stack = await startStack({
  port: 0,
  ...databaseUrl ? { databaseUrl } : { memory: true },
  functionLog: printOutput,
  functionEnv: JSON.parse(Deno.env.get("FUNCTION_ENV") ?? "{}"),
});
Deno.addSignalListener("SIGTERM", async () => {
  await stack.stop();
  Deno.exit(0);
});
console.log(`ready ${stack.url}`);
