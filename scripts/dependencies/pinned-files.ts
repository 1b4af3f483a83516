/** The files that pin packages. */
import { StackError } from "../../local/stack-error.ts";
import {
  LOCK_REMEDY,
  makeFunctionsLock,
  type PackageLock,
  readImportedPackages,
} from "./functions-lock.ts";

/** The path of the functions' lock from the project's root. */
export const FUNCTIONS_LOCK = "supabase/functions/deno.lock";

/** The paths of all files that pin versions. */
export const PINNED_FILES = [
  "package.json",
  "package-lock.json",
  "deno.json",
  FUNCTIONS_LOCK,
] as const;

const GROUPS = [
  "dependencies",
  "devDependencies",
  "optionalDependencies",
] as const;

type PackageJson = Partial<
  Record<typeof GROUPS[number], Record<string, string>>
>;
type DenoJson = { imports: Record<string, string> };

/** Path → text; undefined for a file that does not exist. */
export type Snapshot = Map<string, string | undefined>;

/** The files that pin packages, in the folder of a project. */
export class PinnedFiles {
  constructor(readonly root: URL) {}

  /** A file's text; undefined if it does not exist. */
  async read(path: string): Promise<string | undefined> {
    try {
      return await Deno.readTextFile(new URL(path, this.root));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async write(path: string, text: string): Promise<void> {
    await Deno.writeTextFile(new URL(path, this.root), text);
  }

  async snapshot(): Promise<Snapshot> {
    return new Map(
      await Promise.all(
        PINNED_FILES.map(async (path) =>
          [path, await this.read(path)] as const
        ),
      ),
    );
  }

  async restore(snapshot: Snapshot): Promise<void> {
    for (const [path, text] of snapshot) {
      if (await this.read(path) === text) continue;
      if (text === undefined) await Deno.remove(new URL(path, this.root));
      else await this.write(path, text);
    }
  }

  async isAsIn(snapshot: Snapshot): Promise<boolean> {
    const now = await this.snapshot();
    return PINNED_FILES.every((path) => now.get(path) === snapshot.get(path));
  }

  /** @throws {StackError} if package-lock.json does not exist. */
  async readPackageLock(): Promise<PackageLock> {
    return await this.#readJson("package-lock.json", LOCK_REMEDY);
  }

  /** The direct dependencies, each with its version. */
  async readDirect(): Promise<Map<string, string>> {
    const manifest = await this.#readJson<PackageJson>("package.json");
    return new Map(
      GROUPS.flatMap((group) => Object.entries(manifest[group] ?? {})),
    );
  }

  /**
   * The functions' lock, derived from package-lock.json and deno.json.
   *
   * @throws {StackError} if these disagree.
   */
  async makeFunctionsLock(): Promise<string> {
    const { imports } = await this.#readJson<DenoJson>("deno.json");
    const lock = await this.readPackageLock();
    try {
      return makeFunctionsLock(lock, imports);
    } catch (error) {
      throw new StackError((error as Error).message);
    }
  }

  async writeFunctionsLock(): Promise<void> {
    await this.write(FUNCTIONS_LOCK, await this.makeFunctionsLock());
  }

  /** Writes an exact version into package.json and deno.json. */
  async pin(name: string, version: string): Promise<void> {
    const manifest = await this.#readJson<PackageJson>("package.json");
    for (const group of GROUPS) {
      if (manifest[group]?.[name]) manifest[group][name] = version;
    }
    await this.write("package.json", JSON.stringify(manifest, null, 2) + "\n");
    const denoJson = await this.#readText("deno.json");
    const { imports } = JSON.parse(denoJson) as DenoJson;
    const current = readImportedPackages(imports).get(name);
    if (current === undefined) return;
    await this.write(
      "deno.json",
      // With the preceding character, because a-b@1.0.0 ends with b@1.0.0.
      [":", ":/"].reduce(
        (text, head) =>
          text.replaceAll(
            `npm${head}${name}@${current}`,
            `npm${head}${name}@${version}`,
          ),
        denoJson,
      ),
    );
  }

  async #readText(path: string, remedy?: string): Promise<string> {
    const text = await this.read(path);
    if (text !== undefined) return text;
    throw new StackError(
      `${path} is missing: ${remedy ?? `run git checkout ${path}`}`,
    );
  }

  async #readJson<Value>(path: string, remedy?: string): Promise<Value> {
    return JSON.parse(await this.#readText(path, remedy));
  }
}
