import { StackError } from "../../local/stack-error.ts";

/** The lines of a file, read as they are needed. */
export async function* readBundleLines(path: string): AsyncGenerator<string> {
  const file = await Deno.open(path).catch(() => {
    throw new StackError(`Cannot read ${path}`);
  });
  let rest = "";
  for await (const chunk of readText(file, path)) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}

async function* readText(
  file: Deno.FsFile,
  path: string,
): AsyncGenerator<string> {
  const decoder = new TextDecoderStream("utf-8", { fatal: true });
  try {
    yield* file.readable.pipeThrough(decoder);
  } catch {
    throw new StackError(`Cannot read ${path}: it is no file of UTF-8 text`);
  }
}
