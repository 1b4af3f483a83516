import { afterAll, beforeAll, expect, test } from "vitest";
import { type Stack, startStack } from "../../local/stack.ts";

const README = Deno.readTextFileSync(
  new URL("../../README.md", import.meta.url),
);

/** A shell block, and the answer that the page shows below it. */
const BLOCKS = [
  ...README.matchAll(
    /```sh\n([\s\S]*?)```(?:\n\n```(json|csv)\n([\s\S]*?)```)?/g,
  ),
].map(([, script, kind, answer]) => ({ script, kind, answer }));

const SETUP =
  BLOCKS.find(({ script }) => script.startsWith("export URL="))!.script;
const CURLS = BLOCKS.filter(({ script }) => script.startsWith("curl "))
  .map((block, index) => ({
    ...block,
    title: `${index + 1}: ${block.script.split("\n")[0]}`,
  }));

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ port: 0, memory: true });
}, 30_000);
afterAll(() => stack?.stop());

// The page is read from top to bottom: a later answer shows earlier rows.
test.each(CURLS)(
  "README, curl $title answers as the page says",
  async ({ script, kind, answer }) => {
    const { success, stdout } = await new Deno.Command("sh", {
      args: ["-c", SETUP.replace("http://127.0.0.1:54321", stack.url) + script],
    }).output();
    expect(success).toBe(true);
    const text = new TextDecoder().decode(stdout);
    if (kind === "csv") expect(text.replaceAll("\r\n", "\n")).toBe(answer);
    else if (kind === "json") {
      expect(JSON.parse(text)).toEqual(
        JSON.parse(answer),
      );
    } else expect(JSON.parse(text)).not.toHaveProperty("code");
  },
);

test("README shows a curl for each endpoint", () => {
  for (const slug of stack.functions) {
    expect(CURLS.some(({ script }) => script.includes(`$URL/${slug}`))).toBe(
      true,
    );
  }
});
