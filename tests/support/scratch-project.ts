import {
  type Stack,
  type StackOptions,
  startStack,
} from "../../local/stack.ts";

/** Throw-away projects and stacks for the tests of the local stack. */

/** A project folder that exists for one test file. */
export interface ScratchProject {
  /** The folder that holds `supabase`. */
  dir: string;
  /** Writes a file; `path` is relative to the `supabase` folder. */
  write(path: string, content: string): Promise<void>;
  remove(): Promise<void>;
}

/** Makes a project from its files: path below `supabase` → content. */
export async function makeProject(
  files: Record<string, string> = {},
): Promise<ScratchProject> {
  const dir = await Deno.makeTempDir({ prefix: "stack-project-" });
  const write = async (path: string, content: string) => {
    const full = `${dir}/supabase/${path}`;
    await Deno.mkdir(full.slice(0, full.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(full, content);
  };
  await Deno.mkdir(`${dir}/supabase`);
  for (const [path, content] of Object.entries(files)) {
    await write(path, content);
  }
  return { dir, write, remove: () => Deno.remove(dir, { recursive: true }) };
}

/** Starts a stack in memory on a free port over a scratch project. */
export function startScratchStack(
  project: ScratchProject,
  options: StackOptions = {},
): Promise<Stack> {
  const memory = options.databaseUrl === undefined;
  return startStack({ port: 0, memory, projectDir: project.dir, ...options });
}

/** A module of a function that answers with `body`, a JavaScript expression over `req`. */
export function functionModule(body: string): string {
  return `export default { fetch: async (req) => ${body} };\n`;
}
