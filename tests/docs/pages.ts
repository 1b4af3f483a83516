/** The pages of the documentation, and their testable parts. */

const PROJECT = new URL("../../", import.meta.url);

/** A fenced block of code. */
export interface Block {
  language: string;
  code: string;
  /** Line of the page, from 1. */
  line: number;
}

/** A command that a page shows, and the answer that it shows below it. */
export interface Example {
  script: string;
  line: number;
  answer?: Block;
}

/** A page of the documentation. */
export interface Page {
  /** Path in the project, such as `docs/recording.md`. */
  path: string;
  text: string;
  /** Names of the headings in a URL's fragment. */
  anchors: ReadonlySet<string>;
  blocks: readonly Block[];
  /** Variables that the examples use; empty without any. */
  setUp: string;
  examples: readonly Example[];
}

/** The front page and every page in docs. */
export function readPages(): Page[] {
  const names = [...Deno.readDirSync(new URL("docs", PROJECT))]
    .map(({ name }) => name).filter((name) => name.endsWith(".md")).sort();
  return ["README.md", ...names.map((name) => `docs/${name}`)].map(readPage);
}

/** Text of a file of the project. */
export function readProjectFile(path: string): string {
  return Deno.readTextFileSync(new URL(path, PROJECT));
}

function readPage(path: string): Page {
  const text = readProjectFile(path);
  const blocks = readBlocks(text);
  const isShell = ({ language }: Block) => language === "sh";
  return {
    path,
    text,
    blocks,
    anchors: readAnchors(text),
    setUp: blocks.filter(isShell).map(({ code }) => code)
      .find((code) => code.startsWith("export URL=")) ?? "",
    examples: blocks.flatMap((block, index): Example[] => {
      if (!isShell(block) || !/\$\{?URL\b/.test(block.code)) return [];
      const next = blocks[index + 1];
      const isAnswer = next && isBelow(text, block, next) &&
        ["json", "csv", "text"].includes(next.language);
      const { code: script, line } = block;
      return [{ script, line, ...isAnswer && { answer: next } }];
    }),
  };
}

/** Whether only empty lines are between two blocks. */
function isBelow(text: string, { code, line }: Block, below: Block): boolean {
  const end = line + code.split("\n").length;
  const between = text.split("\n").slice(end, below.line - 1);
  return between.every((line) => line.trim() === "");
}

function readBlocks(text: string): Block[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    language: match[1],
    code: match[2],
    line: text.slice(0, match.index).split("\n").length,
  }));
}

/** As GitHub makes them of headings. */
function readAnchors(text: string): ReadonlySet<string> {
  const prose = withoutBlocks(text);
  const anchors = [...prose.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) =>
    heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").trim()
      .replaceAll(" ", "-")
  );
  return new Set(anchors);
}

/** A page's text without its blocks of code. */
export function withoutBlocks(text: string): string {
  return text.replaceAll(/^```\w*\n[\s\S]*?^```$/gm, "");
}
