import type { Stack } from "./stack.ts";

/** One save is many events; they are answered together. */
const SETTLE_MS = 200;

/** Starts the functions again whenever one of their files has changed. */
export async function watchFunctions(stack: Stack): Promise<void> {
  const folders = await existing(stack.functionSources);
  if (folders.length === 0) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const { kind } of Deno.watchFs(folders)) {
    if (kind === "access") continue;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      stack.stopFunctions();
      await stack.bootFunctions();
      console.log("Functions started again after a change.");
    }, SETTLE_MS);
  }
}

async function existing(folders: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    try {
      if ((await Deno.stat(folder)).isDirectory) found.push(folder);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found;
}
