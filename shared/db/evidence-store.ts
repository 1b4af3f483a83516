import { READ_TIMEOUT_MS, RECORD_TIMEOUT_MS } from "../limits.ts";
import type { Member } from "../logs/log.ts";
import { callFunction, SERVICE_CALLER } from "./call-function.ts";
import type { Environment } from "./environment.ts";

/** A signed checkpoint as it is stored; `root` is base64. */
export type StoredCheckpoint = { size: number; root: string; note: string };

/** The state of the tree. */
export type LedgerState = {
  size: number;
  /** Grows when recorded content is set to NULL, deleted or erased. */
  event_count: number;
  pending: number;
  /** Rows older than the set-up of evidence that have no leaf yet. */
  backlog: number;
  oldest_pending_seconds: number | null;
  checkpoint: StoredCheckpoint | null;
};

/** Result of a seal, or `busy` if another seal is running. */
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
     * Rows older than the set-up of evidence that have no leaf yet, where this call
     * captured some: the next seal includes those and captures more.
     */
    backlog?: number;
  };

/** A leaf of a row. Hashes are hex. */
export type StoredLeaf = {
  /** Undefined while it is pending. */
  index?: number;
  kind: string;
  data: string | null;
  hash: string;
  commitments: string[] | null;
};

/** The evidence of a row. */
export type Entry = {
  leaves: StoredLeaf[];
  pending: StoredLeaf[];
  /** The row as members of a leaf; null when it was deleted. */
  texts: Member[] | null;
  /** Hex, one per committed column; null where it was erased. */
  salts: (string | null)[] | null;
};

async function call<Answer>(
  env: Environment,
  name: string,
  parameters: Record<string, unknown> = {},
  timeoutMs = READ_TIMEOUT_MS,
): Promise<Answer> {
  const session = { caller: SERVICE_CALLER, env };
  return await callFunction(session, name, parameters, timeoutMs) as Answer;
}

/** Seals the leaves that are final. */
export const seal = (env: Environment) =>
  call<SealResult>(env, "seal_ledger", {}, RECORD_TIMEOUT_MS);

/** Reads the state of the tree and the newest checkpoint. */
export const readState = (env: Environment) =>
  call<LedgerState>(env, "read_ledger_state");

/** Reads tiles as base64; null where the tree has none. */
export const readTiles = (
  env: Environment,
  wanted: { level: number; index: number }[],
) => call<(string | null)[]>(env, "read_ledger_tiles", { wanted });

/** Reads the evidence of rows of a log, by id. */
export const readEntries = (env: Environment, log: string, ids: string[]) =>
  call<Record<string, Entry>>(env, "read_ledger_entries", { log, ids });

/**
 * Reads the notes of the newest checkpoints, oldest first. Unlike `readState`, it does
 * not count leaves.
 */
export const readCheckpoints = (env: Environment, maxCheckpoints = 1_000) =>
  call<string[]>(env, "read_ledger_checkpoints", {
    max_checkpoints: maxCheckpoints,
  });

/**
 * Stores a checkpoint for the holder of `secrets`, see `deriveStoreSecret`; false when
 * another was stored since `afterSize`.
 */
export const addCheckpoint = (
  env: Environment,
  afterSize: number,
  { size, root, note }: StoredCheckpoint,
  secrets: string[],
) =>
  call<boolean>(env, "add_ledger_checkpoint", {
    after_size: afterSize,
    size,
    root,
    note,
    secrets,
  }, RECORD_TIMEOUT_MS);

/** Reads the last state that this project cosigned of another log, or null. */
export const readWitnessed = (env: Environment, origin: string) =>
  call<{ size: number; root: string } | null>(env, "read_witnessed", {
    origin,
  });

/** Advances a witnessed log; false when a concurrent call advanced it first. */
export const moveWitnessed = (
  env: Environment,
  origin: string,
  oldSize: number,
  { size, root, note }: StoredCheckpoint,
  secrets: string[],
) =>
  call<boolean>(env, "witness_checkpoint", {
    origin,
    old_size: oldSize,
    size,
    root,
    note,
    secrets,
  }, RECORD_TIMEOUT_MS);
