/**
 * `npm run verify`: checks evidence, with nothing but a bundle and keys.
 *
 *     npm run verify -- evidence.ndjson --key <verifier key> [--held <checkpoint>]…
 *     npm run verify -- https://<ref>.supabase.co --key <verifier key>
 *
 * A bundle (`npm run export-evidence`) is checked row by row, offline. A URL is
 * checked as far as everybody may see it: the signed tree of hashes.
 *
 * `--key` is the log's; `--policy` a file (C2SP tlog-policy) that also says which
 * witnesses it takes. `--held` is a file with a checkpoint that was kept apart from
 * the operator; it shows a past rewritten with a stolen key.
 *
 * Exit code 0: all holds; 1: something is wrong, one sentence per fault; 2: could
 * not look.
 *
 * For a bundle it needs nothing but to read files (`deno run --allow-read`), for a
 * URL the network too (`--allow-net`).
 */
import { parseArgs } from "node:util";
import { StackError } from "../local/stack-error.ts";
import { readBundleLines } from "./evidence/read-bundle-lines.ts";
import { verifyUrl } from "./evidence/verify-url.ts";
import { parsePolicy, type Policy } from "../shared/ledger/policy.ts";
import { verifyBundle } from "../shared/evidence/verify-bundle.ts";

/** Faults that are shown; the others are counted. */
const MAX_SHOWN = 50;

if (import.meta.main) Deno.exit(await runVerify(Deno.args));

/** Runs the command and returns its exit code. */
export async function runVerify(args: string[]): Promise<0 | 1 | 2> {
  try {
    return await verifyEvidence(args) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    console.error(error.message);
    return 2;
  }
}

async function verifyEvidence(args: string[]): Promise<boolean> {
  const { values, positionals: [source, ...more] } = readArguments(args);
  if (source === undefined || more.length > 0) {
    throw new StackError("Wanted one bundle or URL");
  }
  const policy = await readPolicy(values.key, values.policy);
  const held = await Promise.all((values.held ?? []).map(readText));
  const { faults, summary } = /^https?:\/\//.test(source)
    ? await verifyUrl(source, policy, held)
    : await verifyFile(source, policy, held);
  for (const fault of faults.slice(0, MAX_SHOWN)) console.log(fault);
  if (faults.length > MAX_SHOWN) {
    console.log(`… and ${faults.length - MAX_SHOWN} more`);
  }
  console.log(summary);
  console.log(faults.length === 0 ? "OK" : `NOT OK: ${countFaults(faults)}`);
  return faults.length === 0;
}

function countFaults({ length }: string[]): string {
  return `${length} ${length === 1 ? "fault" : "faults"}`;
}

async function verifyFile(source: string, policy: Policy, held: string[]) {
  const verdict = await verifyBundle(readBundleLines(source), policy, {
    heldCheckpoints: held,
  });
  const counts = Object.entries(verdict.counts)
    .map(([name, count]) => `${name} ${count}`).join(", ");
  return {
    faults: verdict.faults.map(({ code, detail }) => `${code}: ${detail}`),
    summary: counts,
  };
}

function readArguments(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        key: { type: "string", multiple: true },
        policy: { type: "string" },
        held: { type: "string", multiple: true },
      },
      allowPositionals: true,
    });
  } catch (error) {
    const [problem] = (error as Error).message.split(/\.\s|\n/);
    throw new StackError(`${problem}; wanted any of --key, --policy, --held`);
  }
}

async function readPolicy(
  keys: string[] | undefined,
  path: string | undefined,
): Promise<Policy> {
  if ((keys === undefined) === (path === undefined)) {
    throw new StackError(
      "Wanted either --key <verifier key> or --policy <file>: without one, nobody is trusted",
    );
  }
  const text = path !== undefined
    ? await readText(path)
    : `${keys!.map((key) => `log ${key}\n`).join("")}quorum none\n`;
  const parsed = parsePolicy(text);
  if ("policy" in parsed) return parsed.policy;
  throw new StackError(`The policy cannot be used: ${parsed.fault}`);
}

async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    throw new StackError(`Cannot read ${path}`);
  }
}
