/**
 * `npm run deps`: lists newer versions of this project's packages, updates to them, or
 * writes or checks the locks.
 */
import { StackError } from "../local/stack-error.ts";
import { readFlags, runCommand } from "./command-line.ts";
import { checkLocks, writeLocks } from "./dependencies/check-locks.ts";
import {
  type NewerVersions,
  pickNewer,
} from "./dependencies/newer-versions.ts";
import { npmIn, summarizeError } from "./dependencies/npm.ts";
import { PINNED_FILES, PinnedFiles } from "./dependencies/pinned-files.ts";
import {
  listOutdatedTransitive,
  type PackageRequest,
  readPackageRequests,
  updatePackages,
} from "./dependencies/update-packages.ts";
import { describeRelease } from "./secret-rules/upstream.ts";

const ROOT = new URL("../", import.meta.url);
const LOOKUPS_AT_ONCE = 8;

const FLAGS = {
  update: { type: "boolean" },
  only: { type: "string" },
  lock: { type: "boolean" },
  check: { type: "boolean" },
} as const;

const HELP = `\
Usage: npm run deps [-- --update [--only <packages>] | --lock | --check]

Lists newer versions of the packages that this project depends on and of gitleaks, whose
rules for secrets are copied, or updates the packages.

  --update           take the compatible versions, direct and transitive, then run the gate;
                     a version that npm cannot resolve, or that lacks a platform's build, is
                     left out
  --only <packages>  with --update: only these, with exact versions if given: zod,jose@7.0.0
  --lock             write package-lock.json and supabase/functions/deno.lock
  --check            fail where the locks, package.json and deno.json disagree
  --help             show this text

Example: npm run deps -- --update --only zod`;

const npm = npmIn(ROOT);
const files = new PinnedFiles(ROOT);

if (import.meta.main) await runCommand(HELP, main);

async function main(args: string[]): Promise<void> {
  const { update, only, lock, check } = readFlags(args, FLAGS);
  if (only !== undefined && !update) {
    throw new StackError("--only is an option of --update; add --update");
  }
  if ([update, lock, check].filter(Boolean).length > 1) {
    throw new StackError(
      "--update, --lock and --check exclude each other; pass one of them",
    );
  }
  if (check) await checkLocks(files, npm);
  else if (lock) await writeLocks(files, npm);
  else if (update) await updateAndTest(only);
  else await list();
}

async function list(): Promise<void> {
  const newer = (await findNewer(await files.readDirect()))
    .filter(({ compatible, major }) => compatible || major);
  console.table(newer.map(({ name, current, compatible, major }) => ({
    package: name,
    current,
    compatible: compatible ?? "",
    "next major": major ?? "",
  })));
  const { length } = await listOutdatedTransitive(files, npm);
  console.log(
    `${length} transitive packages have a newer version in their range. npm run deps -- --update takes the compatible ones.`,
  );
  console.log(await describeRelease());
}

async function updateAndTest(only?: string): Promise<void> {
  const direct = await files.readDirect();
  const wanted = await chooseVersions(
    direct,
    only === undefined
      ? [...direct.keys()].map((name) => ({ name }))
      : readPackageRequests(only, direct),
  );
  const transitive = only === undefined;
  if (!await updatePackages(files, npm, wanted, { transitive })) {
    console.log("Nothing was updated: no newer version is compatible");
    return;
  }
  try {
    // The locks are checked before the tests, which take minutes.
    for (const script of ["check", "test"]) await npm.show(["run", script]);
  } catch (error) {
    throw new StackError(
      `${
        (error as Error).message
      }; review the update with git diff, or revert it with git checkout ${
        PINNED_FILES.join(" ")
      } && npm ci`,
    );
  }
}

/** The version of each package: the requested one, else the newest compatible one. */
async function chooseVersions(
  direct: Map<string, string>,
  named: PackageRequest[],
): Promise<Map<string, string>> {
  const unversioned = named.filter(({ version }) => version === undefined);
  const newer = await findNewer(
    new Map(unversioned.map(({ name }) => [name, direct.get(name)!])),
  );
  return new Map([
    ...newer.map(({ name, compatible }) => [name, compatible] as const),
    ...named.map(({ name, version }) => [name, version] as const),
  ].filter((entry): entry is [string, string] => entry[1] !== undefined));
}

async function findNewer(
  packages: Map<string, string>,
): Promise<NewerVersions[]> {
  const queue = [...packages];
  const found: NewerVersions[] = [];
  const work = async () => {
    for (let next; (next = queue.shift());) {
      const [name, current] = next;
      found.push(pickNewer(name, current, await readPublished(name)));
    }
  };
  await Promise.all(Array.from({ length: LOOKUPS_AT_ONCE }, work));
  return found.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** @throws {StackError} if the registry does not answer. */
async function readPublished(name: string): Promise<string[]> {
  const { code, stdout, stderr } = await npm.ask([
    "view",
    name,
    "versions",
    "--json",
  ]);
  if (code !== 0) {
    throw new StackError(
      `Cannot read the versions of ${name}: ${summarizeError(stderr)}`,
    );
  }
  return [JSON.parse(stdout)].flat();
}
