/**
 * `npm run verify`: verifies evidence offline, with the keys that the caller trusts. It
 * imports only shared/ and Node's built-in modules, so that `npm run verify:kit` can
 * bundle it into one file for auditors.
 */
import process from "node:process";
import { parseVerifierKey } from "../shared/tlog/keys.ts";
import { parsePolicy, type Policy } from "../shared/tlog/policy.ts";
import { parseArguments } from "./arguments.ts";
import { nameInput, readText, STDIN } from "./verify/read-evidence.ts";
import { readReceipts } from "./verify/receipts.ts";
import type { Report } from "./verify/report.ts";
import { VerifierError } from "./verify/verifier-error.ts";
import { isCheckpoint } from "./verify/verify-checkpoint.ts";
import { verifyFile } from "./verify/verify-file.ts";
import { verifyUrl } from "./verify/verify-url.ts";

const USAGE = `\
Usage: deno run --allow-read verify.js <evidence> --key <key> [options]
       npm run verify -- <evidence> --key <key> [options]

Verifies evidence of a log. <evidence> is one of these, recognised by its content:

  a bundle             npm run export-evidence: all leaves and rows
  a row's proof        GET /ledger/proof/<log>/<id>: one row
  a checkpoint         GET /ledger/checkpoint: the signed root of the tree
  a consistency proof  GET /ledger/consistency?from=<size>: the tree only grew
  a project's URL      https://<ref>.supabase.co: the signed tree of hashes; needs
                       --allow-net=<ref>.supabase.co
  -                    any of the files, from standard input

Options:
  --key <key>       verifier key of the log, <name>+<id>+<base64>; repeat it for each
                    key that has signed: after a rotation the old keys count too
  --policy <file>   instead of --key: a C2SP tlog-policy with the log's keys and the
                    witnesses that have to cosign
  --held <file>     a checkpoint that was kept apart from the operator; detects a history
                    that was rewritten with the log's key; may be repeated
  --receipt <file>  an answer to "Prefer: return=receipt"; its leaf must be in the
                    evidence, and the row beside it must be the one recorded; may be
                    repeated
  --help            show this text

Examples:
  deno run --allow-read verify.js evidence.ndjson --key 'example.com/ledger+1a2b3c4d+AQ…'
  deno run --allow-read verify.js row.tlog-proof --receipt answer.json --key '…'

Exit code 0: OK; 1: not OK, one sentence per finding; 2: not verified; 3: not OK yet,
because deletions or erasures of signed rows are recorded by pending leaves only (the
finding change_unsigned): seal, export and verify again.`;

/** Most findings that are shown; the others are counted. */
const MAX_SHOWN = 50;

const OPTIONS = {
  key: { type: "string", multiple: true },
  policy: { type: "string" },
  held: { type: "string", multiple: true },
  receipt: { type: "string", multiple: true },
  help: { type: "boolean" },
} as const;

if (import.meta.main) {
  process.exitCode = await runVerify(process.argv.slice(2));
}

/** Runs the command and returns its exit code. */
async function runVerify(args: string[]): Promise<0 | 1 | 2 | 3> {
  try {
    const { values, positionals } = readArguments(args);
    if (values.help) {
      console.log(USAGE);
      return 0;
    }
    requireRuntime();
    const report = await verifyEvidence(positionals, values);
    print(report);
    if (report.findings.length === 0) return 0;
    return report.findings.every(isUnsignedChange) ? 3 : 1;
  } catch (error) {
    if (!(error instanceof VerifierError)) throw error;
    console.error(error.message);
    return 2;
  }
}

/** Whether a finding may end with the next seal. */
function isUnsignedChange(finding: string): boolean {
  return finding.startsWith("change_unsigned: ");
}

/** Older runtimes cannot decode base64, so every key would look invalid. */
function requireRuntime(): void {
  if ("transfer" in ArrayBuffer.prototype) return;
  throw new VerifierError(
    "This version of Node.js is too old; use Deno 2, or Node.js 22 or later",
  );
}

type Values = ReturnType<typeof readArguments>["values"];

async function verifyEvidence(
  [source, ...more]: string[],
  { key, policy: policyPath, held = [], receipt = [] }: Values,
): Promise<Report> {
  if (source === undefined) {
    throw new VerifierError(
      "The evidence is missing; name a bundle, a proof, a checkpoint or a project's URL (--help has examples)",
    );
  }
  if (more.length > 0) {
    throw new VerifierError(
      "More than one piece of evidence is named; verify them one at a time, and pass receipts with --receipt and kept checkpoints with --held",
    );
  }
  const paths = [
    source,
    ...policyPath ? [policyPath] : [],
    ...held,
    ...receipt,
  ];
  if (paths.filter((path) => path === STDIN).length > 1) {
    throw new VerifierError(
      "Standard input can be read once; name files for the others",
    );
  }
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(source) ?? [];
  if (scheme !== undefined && !/^https?$/i.test(scheme)) {
    throw new VerifierError(
      `Cannot read a URL of the scheme ${scheme}; name a file, or a project's http or https URL`,
    );
  }
  const policy = await readPolicy(key, policyPath);
  const checkpoints: string[] = [];
  for (const path of held) checkpoints.push(await readHeld(path));
  const trust = {
    policy,
    held: checkpoints,
    receipts: await readReceipts(receipt),
  };
  return scheme !== undefined
    ? await verifyUrl(source, trust)
    : await verifyFile(source, trust);
}

function print({ findings, summary, notChecked }: Report): void {
  for (const finding of findings.slice(0, MAX_SHOWN)) console.log(finding);
  if (findings.length > MAX_SHOWN) {
    console.log(`… and ${findings.length - MAX_SHOWN} more`);
  }
  for (const line of summary) console.log(line);
  if (notChecked.length > 0) {
    console.log("Not checked:");
    for (const phrase of new Set(notChecked)) console.log(`- ${phrase}`);
  }
  const { length } = findings;
  const count = `${length} ${length === 1 ? "finding" : "findings"}`;
  console.log(length === 0 ? "OK" : `NOT OK: ${count}`);
}

function readArguments(args: string[]) {
  return parseArguments(args, OPTIONS, {
    maxPositionals: Infinity,
    Refusal: VerifierError,
  });
}

/** @throws {VerifierError} for a file that is not a checkpoint. */
async function readHeld(path: string): Promise<string> {
  const text = await readText(path);
  if (isCheckpoint(text)) return text;
  throw new VerifierError(
    `${
      nameInput(path)
    } is not a checkpoint; pass with --held an unchanged answer of GET /ledger/checkpoint`,
  );
}

async function readPolicy(
  keys: string[] | undefined,
  path: string | undefined,
): Promise<Policy> {
  if (keys !== undefined && path !== undefined) {
    throw new VerifierError(
      "Both --key and --policy are given; pass only the policy, with the keys in it",
    );
  }
  if (path !== undefined) {
    const parsed = parsePolicy(await readText(path));
    if ("policy" in parsed) return parsed.policy;
    throw new VerifierError(
      `The policy ${parsed.fault}; correct it (C2SP tlog-policy)`,
    );
  }
  if (keys === undefined) {
    throw new VerifierError(
      "The trusted key is missing; pass the log's verifier key with --key, or a file with --policy",
    );
  }
  // A repeated --key is harmless, but the policy parser refuses duplicates.
  const lines = [...new Set(keys)].map((key) => `log ${requireKey(key)}\n`);
  const parsed = parsePolicy(`${lines.join("")}quorum none\n`);
  if ("policy" in parsed) return parsed.policy;
  throw new VerifierError(
    `The keys are invalid: key ${parsed.fault.replace(/^line /, "")}`,
  );
}

/**
 * The text of a log's verifier key. Errors do not repeat it, because it may be a secret
 * key by mistake.
 */
function requireKey(text: string): string {
  const parsed = parseVerifierKey(text);
  if ("key" in parsed) {
    if (parsed.key.type === "note") return text;
    throw new VerifierError(
      "A --key belongs to a witness; name witnesses in a --policy",
    );
  }
  throw new VerifierError(
    text.startsWith("PRIVATE+KEY+")
      ? "A --key is a secret key; pass the verifier key that npm run ledger:key printed below it"
      : `A --key ${parsed.fault}; pass the verifier key as npm run ledger:key printed it`,
  );
}
