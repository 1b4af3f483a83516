import { createReadStream } from "node:fs";
import process from "node:process";
import { VerifierError } from "./verifier-error.ts";

/** The path that stands for standard input. */
export const STDIN = "-";

/** The name of a path in messages. */
export function nameInput(path: string): string {
  return path === STDIN ? "standard input" : path;
}

/** Longest text that is buffered, in UTF-16 code units; bundles are streamed. */
const MAX_TEXT_LENGTH = 64_000_000;

/** Longest first line that identifies a format; longer ones are JSON on one line. */
const MAX_FIRST_LENGTH = 1_000_000;

/** A file or standard input, read once and on demand. */
export class EvidenceFile {
  #chunks: AsyncGenerator<string>;
  /** The text that was read and not consumed yet. */
  #buffer = "";

  constructor(readonly path: string) {
    this.#chunks = readChunks(path);
  }

  /** The first line, without consuming it. */
  async peekLine(): Promise<string> {
    while (!this.#buffer.includes("\n")) {
      if (this.#buffer.length > MAX_FIRST_LENGTH || !await this.#readMore()) {
        break;
      }
    }
    return this.#buffer.split("\n", 1)[0];
  }

  /** The remaining lines, read on demand. */
  async *lines(): AsyncGenerator<string> {
    do {
      const lines = this.#buffer.split("\n");
      this.#buffer = lines.pop()!;
      yield* lines;
    } while (await this.#readMore());
    if (this.#buffer !== "") yield this.#buffer;
  }

  /** The remaining text. */
  async text(): Promise<string> {
    while (await this.#readMore()) {
      if (this.#buffer.length > MAX_TEXT_LENGTH) {
        await this.#chunks.return(undefined);
        throw new VerifierError(
          `Cannot read ${
            nameInput(this.path)
          }: it is longer than any proof, checkpoint or receipt; name the unchanged file of the log`,
        );
      }
    }
    return this.#buffer;
  }

  async #readMore(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (!done) this.#buffer += value;
    return !done;
  }
}

/** The whole text of a file or of standard input. */
export async function readText(path: string): Promise<string> {
  return await new EvidenceFile(path).text();
}

async function* readChunks(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const source = path === STDIN ? process.stdin : createReadStream(path);
  try {
    for await (const chunk of source) {
      yield decoder.decode(chunk, { stream: true });
    }
    yield decoder.decode();
  } catch (error) {
    throw new VerifierError(
      `Cannot read ${nameInput(path)}: ${explain(error)}`,
    );
  }
}

/** Fact and remedy, by the codes of Node's and Deno's errors. */
function explain(error: unknown): string {
  const { code, name } = Object(error) as { code?: string; name?: string };
  if (name === "NotCapable" || code === "ENOTCAPABLE") {
    return "Deno lacks the permission; run with --allow-read";
  }
  switch (code) {
    case "ENOENT":
      return "the file does not exist; check the path";
    case "EISDIR":
      return "it is a folder; name a file in it";
    case "EACCES":
    case "EPERM":
      return "this user lacks the permission; check the file's permissions";
    case "ERR_ENCODING_INVALID_ENCODED_DATA":
      return NOT_TEXT;
    default:
      return error instanceof TypeError
        ? NOT_TEXT
        : "reading it failed; copy it to a local disk and try again";
  }
}

const NOT_TEXT =
  "it is not UTF-8 text; name the unchanged file of the log, decompressed";
