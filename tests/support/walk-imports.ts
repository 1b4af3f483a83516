import { type OutputChunk, rolldown } from "rolldown";

/** Modules, npm packages included, and the bytes of their sources. */
type Modules = { files: string[]; bytes: number };

/**
 * The modules that a function loads when it starts, and all that it ever loads.
 * Found by following the imports, as a bundler does, without leaving anything out
 * that is imported but not used.
 */
export async function walkImports(
  entry: string,
): Promise<{ atStart: Modules; all: Modules }> {
  const bundle = await rolldown({
    input: entry,
    platform: "neutral",
    treeshake: false,
    external: [/^node:/],
    logLevel: "silent",
    resolve: {
      alias: { "@std": "deno-std" },
      conditionNames: ["deno", "import", "default"],
      mainFields: ["module", "main"],
    },
  });
  const { output } = await bundle.generate();
  await bundle.close();
  const chunks = output.filter((part) => part.type === "chunk");
  return {
    atStart: await measure(followStatic(chunks)),
    all: await measure(chunks),
  };
}

/** The entry, and what it imports otherwise than by `import()`. */
function followStatic(chunks: OutputChunk[]): OutputChunk[] {
  const found = new Set(chunks.filter(({ isEntry }) => isEntry));
  // What is added to a set while it is walked is walked too.
  for (const { imports } of found) {
    for (const chunk of chunks) {
      if (imports.includes(chunk.fileName)) found.add(chunk);
    }
  }
  return [...found];
}

async function measure(chunks: OutputChunk[]): Promise<Modules> {
  const files = chunks.flatMap(({ moduleIds }) => moduleIds)
    .filter((id) => id.startsWith("/"));
  let bytes = 0;
  for (const file of files) bytes += (await Deno.stat(file)).size;
  return { files, bytes };
}
