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
      const shown = JSON.parse(answer);
      expect(likeShown(JSON.parse(text), shown)).toEqual(shown);
    } else expect(JSON.parse(text)).not.toHaveProperty("code");
  },
);

/**
 * An answer as the page may shorten it: where the page says "…" there is something
 * that differs each time, and a member "…" stands for all that are not shown.
 */
function likeShown(actual: unknown, shown: unknown): unknown {
  if (shown === "…") return actual === null || actual === "" ? actual : "…";
  if (Array.isArray(shown) && Array.isArray(actual)) {
    return actual.map((item, index) => likeShown(item, shown[index]));
  }
  if (!isObject(shown) || !isObject(actual)) return actual;
  const isShortened = Object.hasOwn(shown, "…");
  const seen = Object.entries(actual)
    .filter(([member]) => !isShortened || Object.hasOwn(shown, member))
    .map(([member, value]) => [member, likeShown(value, shown[member])]);
  const isMore = isShortened && seen.length < Object.keys(actual).length;
  return { ...Object.fromEntries(seen), ...isMore && { "…": "…" } };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

test("README shows a curl for each endpoint", () => {
  for (const slug of stack.functions) {
    expect(CURLS.some(({ script }) => script.includes(`$URL/${slug}`))).toBe(
      true,
    );
  }
});
