import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { likeShown, patternOf } from "./like-shown.ts";
import { type PageStack, startPageStack } from "./page-stack.ts";
import { type Block, type Page, readPages } from "./pages.ts";

const pages = readPages().filter(({ examples }) => examples.length > 0);

/** Stacks start two at a time, so that the next is ready when a page is done. */
const stacks = new Map<Page, Promise<PageStack>>();
const startOf = (page: Page | undefined) => {
  if (page && !stacks.has(page)) stacks.set(page, startPageStack(page));
  return page && stacks.get(page);
};

describe.each(pages)("$path", (page) => {
  let stack: PageStack;
  beforeAll(async () => {
    stack = (await startOf(page))!;
    // Awaited, and so reported, by the next page.
    startOf(pages[pages.indexOf(page) + 1])?.catch(() => {});
  });
  afterAll(() => stack?.stop());

  // The page is read from top to bottom: a later answer shows earlier rows.
  test.each(page.examples)(
    "line $line: the command runs and answers as the page says",
    async ({ script, answer }) => {
      const printed = await stack.run(script);
      if (answer) expectLike(printed, answer);
      else expect(JSON.parse(printed)).not.toHaveProperty("code");
    },
  );
});

function expectLike(printed: string, { language, code }: Block): void {
  if (language === "json") {
    const shown = JSON.parse(code);
    expect(likeShown(JSON.parse(printed), shown)).toEqual(shown);
  } else {
    const text = printed.replaceAll("\r\n", "\n").trimEnd();
    expect(text).toMatch(patternOf(code));
  }
}
