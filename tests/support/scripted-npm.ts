import type { Npm, NpmOutput } from "../../scripts/dependencies/npm.ts";
import {
  FUNCTIONS_LOCK,
  PinnedFiles,
} from "../../scripts/dependencies/pinned-files.ts";

/** A project with one file of each kind, and an npm that a test scripts. */

/** What npm answers to a command line, or undefined for what it does usually. */
export type Script = (line: string) => Partial<NpmOutput> | undefined;

/** A project that depends on a@1.0.0, which its functions use, and on tool@1.0.0. */
export async function makeProject(
  script: Script = () => undefined,
): Promise<{ files: PinnedFiles; npm: Npm; calls: string[] }> {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/supabase/functions`, { recursive: true });
  const files = new PinnedFiles(new URL(`file://${folder}/`));
  const direct = {
    dependencies: { a: "1.0.0" },
    devDependencies: { tool: "1.0.0" },
  };
  const json = (value: unknown) => JSON.stringify(value, null, 2) + "\n";
  await files.write("package.json", json(direct));
  await files.write("deno.json", json({ imports: { a: "npm:a@1.0.0" } }));

  const calls: string[] = [];
  const lock = async () => {
    const direct = await files.readDirect();
    await files.write(
      "package-lock.json",
      json({
        packages: Object.fromEntries([
          ["", { dependencies: Object.fromEntries(direct) }],
          ...[...direct].map(([name, version]) => [`node_modules/${name}`, {
            version,
            integrity: `sha512-${name}@${version}`,
          }]),
        ]),
      }),
    );
  };
  await lock();
  await files.writeFunctionsLock();

  const ask = async (args: string[]): Promise<NpmOutput> => {
    const line = args.join(" ");
    calls.push(line);
    const answer = script(line);
    if (!answer?.code && /^(install|update) /.test(line)) await lock();
    const stdout = line === "--version"
      ? "11.19.1\n"
      : args[0] === "view"
      ? JSON.stringify({ name: args[1], version: "1.0.0" })
      : "";
    return { code: 0, stdout, stderr: "", ...answer };
  };
  const show = async (args: string[]) => {
    const { code, stderr } = await ask(args);
    if (code !== 0) throw new Error(stderr);
  };
  return { files, npm: { ask, show }, calls };
}

export { FUNCTIONS_LOCK };
