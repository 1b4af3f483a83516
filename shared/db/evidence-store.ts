import { READ_TIMEOUT_MS, RECORD_TIMEOUT_MS } from "../limits.ts";
import type { Member } from "../logs/log.ts";
import { callFunction } from "./call-function.ts";
import type { Environment } from "./environment.ts";

/** A signed checkpoint as it is kept; `root` is base64. */
export type StoredCheckpoint = { size: number; root: string; note: string };

/** How the tree stands. */
export type LedgerState = {
  size: number;
  /** Changes when something that was recorded is nulled, deleted or erased. */
  event_count: number;
  pending: number;
  /** Rows from before evidence was set up that have no leaf yet. */
  backlog: number;
  oldest_pending_seconds: number | null;
  checkpoint: StoredCheckpoint | null;
};

/** What a seal did, or that another was at it. */
export type SealResult =
  | { busy: true }
  | {
    busy?: undefined;
    size: number;
    sealed: number;
    pending: number;
    held_back: number;
    oldest_pending_seconds: number | null;
    /**
     * Rows from before evidence was set up that have no leaf yet, where this call
     * captured some: the next one seals those and captures more.
     */
    backlog?: number;
  };

/** A leaf that speaks of a row. Hashes are hex. */
export type StoredLeaf = {
  /** Undefined while it is pending. */
  index?: number;
  kind: string;
  data: string | null;
  hash: string;
  commitments: string[] | null;
};

/** What evidence there is of a row. */
export type Entry = {
  leaves: StoredLeaf[];
  pending: StoredLeaf[];
  /** The row as texts of its leaf; null when it is gone. */
  texts: Member[] | null;
  /** Hex, one per committed column; null where it was forgotten. */
  salts: (string | null)[] | null;
};

const SERVICE_CALLER = { kind: "service", keyName: "default" } as const;

async function call<Answer>(
  env: Environment,
  name: string,
  parameters: Record<string, unknown> = {},
  timeoutMs = READ_TIMEOUT_MS,
): Promise<Answer> {
  const session = { caller: SERVICE_CALLER, env };
  return await callFunction(session, name, parameters, timeoutMs) as Answer;
}

/** Seals what is final. */
export const seal = (env: Environment) =>
  call<SealResult>(env, "seal_ledger", {}, RECORD_TIMEOUT_MS);

/** How the tree stands, and the newest checkpoint. */
export const readState = (env: Environment) =>
  call<LedgerState>(env, "read_ledger_state");

/** Tiles as base64, null where there is none. */
export const readTiles = (
  env: Environment,
  wanted: { level: number; index: number }[],
) => call<(string | null)[]>(env, "read_ledger_tiles", { wanted });

/** What evidence there is of rows of a log, by id. */
export const readEntries = (env: Environment, log: string, ids: string[]) =>
  call<Record<string, Entry>>(env, "read_ledger_entries", { log, ids });

/** Notes of the checkpoints from a size on, oldest first. */
export const readCheckpoints = (env: Environment, firstSize = 0) =>
  call<string[]>(env, "read_ledger_checkpoints", { first_size: firstSize });

/** Keeps a checkpoint; false when another was kept since `afterSize`. */
export const addCheckpoint = (
  env: Environment,
  afterSize: number,
  { size, root, note }: StoredCheckpoint,
) =>
  call<boolean>(env, "add_ledger_checkpoint", {
    after_size: afterSize,
    size,
    root,
    note,
  }, RECORD_TIMEOUT_MS);

/** The last state of another log that this project cosigned, or null. */
export const readWitnessed = (env: Environment, origin: string) =>
  call<{ size: number; root: string } | null>(env, "read_witnessed", {
    origin,
  });

/** Moves a witnessed log forward; false when another call moved it first. */
export const moveWitnessed = (
  env: Environment,
  origin: string,
  oldSize: number,
  { size, root, note }: StoredCheckpoint,
) =>
  call<boolean>(env, "witness_checkpoint", {
    origin,
    old_size: oldSize,
    size,
    root,
    note,
  }, RECORD_TIMEOUT_MS);
