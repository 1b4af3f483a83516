/**
 * `npm run deps`: lists newer versions of the packages this project depends on, or
 * updates to them.
 */
import { readFlags, runCommand } from "./command-line.ts";
import { StackError } from "../local/stack-error.ts";
import {
  makeFunctionsLock,
  readImportedPackages,
} from "./dependencies/functions-lock.ts";
import { type Newer, pickNewer } from "./dependencies/newer-versions.ts";

const ROOT = new URL("../", import.meta.url);
const FUNCTIONS_LOCK = "supabase/functions/deno.lock";
const LOOKUPS_AT_ONCE = 8;

const FLAGS = {
  update: { type: "boolean" },
  only: { type: "string" },
  lock: { type: "boolean" },
  check: { type: "boolean" },
} as const;

const HELP = `\
Usage: npm run deps [-- --update [--only <packages>] | --lock | --check]

Lists newer versions of the packages that this project depends on, or updates to them.

  --update           take the compatible versions, direct and transitive, then run the gate
  --only <packages>  with --update: these alone; a version may be given: zod,jose@7.0.0
  --lock             write ${FUNCTIONS_LOCK} from package-lock.json
  --check            fail where the locks, package.json and deno.json disagree
  --help             show this text

Example: npm run deps -- --update --only zod`;

type PackageJson = Record<
  "dependencies" | "devDependencies" | "optionalDependencies",
  Record<string, string>
>;
type DenoJson = { imports: Record<string, string> };

if (import.meta.main) await runCommand(HELP, main);

async function main(args: string[]): Promise<void> {
  const { update, only, lock, check } = readFlags(args, FLAGS);
  if (check) return await checkLocks();
  if (lock) return await writeFunctionsLock();
  if (update) return await updatePackages(only?.split(","));
  await list();
}

/** @throws {StackError} that names what disagrees and the command that mends it. */
async function checkLocks(): Promise<void> {
  // npm itself compares package.json with the lock, and installs nothing here.
  const { code, stderr } = await npm(["ci", "--dry-run", "--ignore-scripts"]);
  if (code !== 0) {
    throw new StackError(
      `package-lock.json does not match package.json: run npm install\n${stderr}`,
    );
  }
  if (await assembleFunctionsLock() !== await read(FUNCTIONS_LOCK)) {
    throw new StackError(
      `${FUNCTIONS_LOCK} does not match package-lock.json: run npm run deps -- --lock`,
    );
  }
}

async function assembleFunctionsLock(): Promise<string> {
  const { imports } = await readJson<DenoJson>("deno.json");
  try {
    return makeFunctionsLock(await readJson("package-lock.json"), imports);
  } catch (error) {
    throw new StackError((error as Error).message);
  }
}

async function writeFunctionsLock(): Promise<void> {
  await write(FUNCTIONS_LOCK, await assembleFunctionsLock());
}

async function list(): Promise<void> {
  const newer = (await findNewer(await readDirect()))
    .filter(({ compatible, major }) => compatible || major);
  console.table(newer.map(({ name, current, compatible, major }) => ({
    package: name,
    current,
    compatible: compatible ?? "",
    "next major": major ?? "",
  })));
  const { stdout } = await npm(["outdated", "--all", "--json"]);
  const transitive = Object.values(
    JSON.parse(stdout || "{}") as Record<string, Outdated | Outdated[]>,
  ).flat().filter(({ current, wanted }) => current && current !== wanted);
  console.log(
    `${transitive.length} transitive packages have a newer version in their range. npm run deps -- --update takes what is compatible.`,
  );
}

type Outdated = { current?: string; wanted: string };

async function updatePackages(only?: string[]): Promise<void> {
  const wanted = only ? await chooseNamed(only) : await chooseCompatible();
  if (wanted.size > 0) await pin(wanted);
  await mustSucceed("npm", ["install"]);
  if (!only) await mustSucceed("npm", ["update"]);
  await writeFunctionsLock();
  for (const [name, version] of wanted) console.log(`${name}@${version}`);
  for (const script of ["test", "check"]) {
    await mustSucceed(
      "npm",
      ["run", script],
      "; git diff shows the update, and git checkout package.json package-lock.json deno.json supabase/functions/deno.lock takes it back",
    );
  }
}

async function chooseCompatible(): Promise<Map<string, string>> {
  const newer = await findNewer(await readDirect());
  return new Map(
    newer.flatMap(({ name, compatible }) =>
      compatible ? [[name, compatible] as const] : []
    ),
  );
}

/** @throws {StackError} when a name is not a direct dependency or has no newer version. */
async function chooseNamed(items: string[]): Promise<Map<string, string>> {
  const direct = await readDirect();
  const chosen = new Map<string, string>();
  for (const item of items) {
    const [, name, version] = /^(@?[^@]+)(?:@(.+))?$/.exec(item) ?? [];
    if (!direct.has(name)) {
      throw new StackError(
        `Cannot update ${item}: wanted <package> or <package>@<version> of package.json`,
      );
    }
    const [newer] = version
      ? [{ compatible: version } as Newer]
      : await findNewer(new Map([[name, direct.get(name)!]]));
    if (newer.compatible) chosen.set(name, newer.compatible);
    else console.log(`${name}: no newer compatible version`);
  }
  return chosen;
}

/** Writes exact versions into package.json and deno.json. */
async function pin(wanted: Map<string, string>): Promise<void> {
  const manifest = await readJson<PackageJson>("package.json");
  for (
    const group of [
      "dependencies",
      "devDependencies",
      "optionalDependencies",
    ] as const
  ) {
    for (const name of Object.keys(manifest[group])) {
      manifest[group][name] = wanted.get(name) ?? manifest[group][name];
    }
  }
  await write("package.json", JSON.stringify(manifest, null, 2) + "\n");
  let denoJson = await read("deno.json");
  const { imports } = JSON.parse(denoJson) as DenoJson;
  for (const [name, version] of readImportedPackages(imports)) {
    denoJson = denoJson.replaceAll(
      `${name}@${version}`,
      `${name}@${wanted.get(name) ?? version}`,
    );
  }
  await write("deno.json", denoJson);
}

async function readDirect(): Promise<Map<string, string>> {
  const { dependencies, devDependencies, optionalDependencies } =
    await readJson<PackageJson>("package.json");
  return new Map(Object.entries({
    ...dependencies,
    ...devDependencies,
    ...optionalDependencies,
  }));
}

async function findNewer(packages: Map<string, string>): Promise<Newer[]> {
  const queue = [...packages];
  const found: Newer[] = [];
  const work = async () => {
    for (let next; (next = queue.shift());) {
      const [name, current] = next;
      found.push(pickNewer(name, current, await readPublished(name)));
    }
  };
  await Promise.all(Array.from({ length: LOOKUPS_AT_ONCE }, work));
  return found.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** @throws {StackError} when the registry does not answer. */
async function readPublished(name: string): Promise<string[]> {
  const { code, stdout, stderr } = await npm([
    "view",
    name,
    "versions",
    "--json",
  ]);
  if (code !== 0) {
    throw new StackError(`Cannot read the versions of ${name}: ${stderr}`);
  }
  return [JSON.parse(stdout)].flat();
}

async function npm(
  args: string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command("npm", {
    args,
    cwd: ROOT,
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

async function mustSucceed(
  command: string,
  args: string[],
  advice = "",
): Promise<void> {
  const { success } = await new Deno.Command(command, { args, cwd: ROOT })
    .spawn().status;
  if (!success) {
    throw new StackError(`${command} ${args.join(" ")} failed${advice}`);
  }
}

async function read(path: string): Promise<string> {
  return await Deno.readTextFile(new URL(path, ROOT));
}

async function write(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(new URL(path, ROOT), text);
}

async function readJson<Value>(path: string): Promise<Value> {
  return JSON.parse(await read(path));
}
