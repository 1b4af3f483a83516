import { createReadStream } from "node:fs";
import process from "node:process";
import { VerifierError } from "./verifier-error.ts";

/** The path that stands for standard input. */
export const STDIN = "-";

/** How messages call a path. */
export function nameInput(path: string): string {
  return path === STDIN ? "standard input" : path;
}

/** Longest text that is read whole, in UTF-16 code units; bundles are streamed. */
const MAX_TEXT_LENGTH = 64_000_000;

/** Longest first line that says what a file is; longer ones are JSON on one line. */
const MAX_FIRST_LENGTH = 1_000_000;

/** A file or standard input, read once and as far as it is needed. */
export class EvidenceFile {
  #chunks: AsyncGenerator<string>;
  /** What has been read and not handed out. */
  #ahead = "";

  constructor(readonly path: string) {
    this.#chunks = readChunks(path);
  }

  /** The first line, which stays there to be read. */
  async peekLine(): Promise<string> {
    while (!this.#ahead.includes("\n")) {
      if (this.#ahead.length > MAX_FIRST_LENGTH || !await this.#readOn()) break;
    }
    return this.#ahead.split("\n", 1)[0];
  }

  /** The lines that are left, read as they are needed. */
  async *lines(): AsyncGenerator<string> {
    do {
      const lines = this.#ahead.split("\n");
      this.#ahead = lines.pop()!;
      yield* lines;
    } while (await this.#readOn());
    if (this.#ahead !== "") yield this.#ahead;
  }

  /** All that is left. */
  async text(): Promise<string> {
    while (await this.#readOn()) {
      if (this.#ahead.length > MAX_TEXT_LENGTH) {
        await this.#chunks.return(undefined);
        throw new VerifierError(
          `Cannot read ${
            nameInput(this.path)
          }: it is longer than any proof, checkpoint or receipt; name the file that the log handed out`,
        );
      }
    }
    return this.#ahead;
  }

  async #readOn(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (!done) this.#ahead += value;
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

/** Fact and remedy, by the code that Node and Deno give their errors. */
function explain(error: unknown): string {
  const { code, name } = Object(error) as { code?: string; name?: string };
  if (name === "NotCapable" || code === "ENOTCAPABLE") {
    return "Deno may not read it; run with --allow-read";
  }
  switch (code) {
    case "ENOENT":
      return "the file does not exist; check the path";
    case "EISDIR":
      return "it is a folder; name a file in it";
    case "EACCES":
    case "EPERM":
      return "this user may not read it; check the file's permissions";
    case "ERR_ENCODING_INVALID_ENCODED_DATA":
      return NOT_TEXT;
    default:
      return error instanceof TypeError
        ? NOT_TEXT
        : "reading it failed; copy it to a local disk and try again";
  }
}

const NOT_TEXT =
  "it is not UTF-8 text; name the file as the log handed it out, unpacked";
