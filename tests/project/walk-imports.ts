import { rolldown } from "rolldown";

/**
 * The modules that a function loads, npm packages included, and the bytes of
 * their sources. Found by following the imports, as a bundler does, without
 * leaving anything out that is imported but not used.
 */
export async function walkImports(
  entry: string,
): Promise<{ modules: number; bytes: number }> {
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
  const files = output
    .flatMap((part) => part.type === "chunk" ? part.moduleIds : [])
    .filter((id) => id.startsWith("/"));
  let bytes = 0;
  for (const file of files) bytes += (await Deno.stat(file)).size;
  return { modules: files.length, bytes };
}
