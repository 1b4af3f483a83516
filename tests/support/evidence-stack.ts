import { afterAll, beforeAll, expect, inject } from "vitest";
import { createDatabase } from "../../local/postgres.ts";
import { startStack } from "../../local/stack.ts";
import { collectEvidence } from "../../scripts/evidence/collect-evidence.ts";
import {
  openCheckpoint,
  type OpenedCheckpoint,
} from "../../shared/tlog/checkpoint.ts";
import { createKeys, type NewKeys } from "../../shared/tlog/keys.ts";
import type { Policy } from "../../shared/tlog/policy.ts";
import type { Verdict } from "../../scripts/verify/verdict.ts";
import { verifyBundle } from "../../scripts/verify/verify-bundle.ts";
import { overPostgres, type TestDatabase } from "./databases.ts";
import { ENGINES, RunningStack } from "./running-stack.ts";
import { readPolicy } from "./tlog-parsers.ts";

/**
 * A stack whose function `ledger` has keys, and the verifier's verdict on its
 * evidence.
 *
 * @module
 */

/** The origin of the logs of tests. */
export const ORIGIN = "example.com/ledger";

/** Which of the two engines. */
type EngineName = (typeof ENGINES)[number];

/** Keys of the log. */
export const makeLogKeys = (): Promise<NewKeys> => createKeys(ORIGIN, "note");

/** The policy that trusts logs with these keys, without a quorum of witnesses. */
export const trustLogs = (...verifierKeys: string[]): Policy =>
  readPolicy(
    [...verifierKeys.map((key) => `log ${key}`), "quorum none\n"].join("\n"),
  );

/** What `POST /ledger/seal` answers. */
interface SealAnswer {
  busy?: true;
  size: number;
  sealed: number;
  pending: number;
  held_back: number;
  checkpoint: string | null;
  unsigned?: string;
}

/** A stack with evidence. */
export class EvidenceStack extends RunningStack {
  /** Asks the function `ledger`, without a credential. */
  ask(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.stack.url}/functions/v1/ledger/${path}`, init);
  }

  /** Seals everything and signs once, as a service; returns the answer. */
  async sealAll(): Promise<SealAnswer> {
    await this.sealUnsigned();
    const { status, body } = await this.post("ledger/seal", {});
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body.pending).toBe(0);
    return body;
  }

  /** Seals until nothing is pending, and signs nothing. */
  async sealUnsigned(): Promise<void> {
    const deadline = Date.now() + 60_000;
    for (;;) {
      const { data, error } = await this.admin().rpc("seal_ledger");
      if (error) throw new Error(error.message);
      if (data.pending === 0) return;
      // Another test file's transaction on the same server holds leaves back.
      if (Date.now() > deadline) throw new Error("leaves stay pending");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Seals, and returns the signed checkpoint. */
  async sign(): Promise<string> {
    const { checkpoint } = await this.sealAll();
    expect(checkpoint).not.toBe(null);
    return checkpoint!;
  }

  /** The lines of the bundle of evidence. */
  async collect(): Promise<string[]> {
    let lines: string[] = [];
    await collectEvidence({ url: this.stack.url, key: this.stack.secretKey }, {
      write: (line) => Promise.resolve(void lines.push(line)),
      restart: () => Promise.resolve(void (lines = [])),
    });
    return lines;
  }

  /** Exports the evidence and verifies it. */
  async verify(
    policy: Policy,
    ...heldCheckpoints: string[]
  ): Promise<Verdict> {
    return await verifyBundle(await this.collect(), policy, {
      heldCheckpoints,
    });
  }

  /** A connection as the owner of the database. */
  openDatabase(): TestDatabase {
    return overPostgres(this.databaseUrl!);
  }
}

/** Starts a stack with variables for its functions; the caller stops it. */
export async function startEvidenceStack(
  engine: EngineName,
  functionEnv: Record<string, string> = {},
  databaseUrl?: string,
): Promise<EvidenceStack> {
  const running = new EvidenceStack();
  if (engine !== "PGlite") {
    running.databaseUrl = databaseUrl ??
      await createDatabase({ url: inject("postgresUrl") });
  }
  const { databaseUrl: url } = running;
  const database = url ? { databaseUrl: url } : { memory: true };
  running.stack = await startStack({ port: 0, ...database, functionEnv });
  return running;
}

/** Starts a stack, runs `work` with it, and stops it. */
export async function withEvidenceStack(
  engine: EngineName,
  functionEnv: Record<string, string>,
  work: (ledger: EvidenceStack) => Promise<void>,
  databaseUrl?: string,
): Promise<void> {
  const ledger = await startEvidenceStack(engine, functionEnv, databaseUrl);
  try {
    await work(ledger);
  } finally {
    await ledger.stack.stop();
  }
}

/** A stack that signs with a new key of its own, for the tests of a `describe`. */
export function useEvidenceStack(
  engine: EngineName,
): EvidenceStack & { keys: NewKeys; policy: Policy } {
  const ledger = new EvidenceStack() as ReturnType<typeof useEvidenceStack>;
  beforeAll(async () => {
    ledger.keys = await makeLogKeys();
    ledger.policy = trustLogs(ledger.keys.verifierKey);
    const started = await startEvidenceStack(engine, {
      LEDGER_SIGNING_KEYS: ledger.keys.signerKey,
    });
    Object.assign(ledger, started);
  });
  afterAll(() => ledger.stack?.stop());
  return ledger;
}

/** Opens a checkpoint that the policy trusts. */
export async function openTrusted(
  note: string,
  policy: Policy,
): Promise<OpenedCheckpoint> {
  const opened = await openCheckpoint(note, policy);
  if ("fault" in opened) throw new Error(`The checkpoint ${opened.fault}`);
  return opened;
}

/** A key with its last character but one changed: of the same length, and wrong. */
export function damage(key: string): string {
  const at = key.length - 3;
  return key.slice(0, at) + (key[at] === "A" ? "B" : "A") + key.slice(at + 1);
}
