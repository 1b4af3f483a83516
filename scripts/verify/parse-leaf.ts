import {
  isMember,
  layouts,
  type Leaf,
  type NulledLeaf,
  type RecordedRow,
  type RedactedLeaf,
  type RowLeaf,
  type SealLeaf,
  type TombstoneLeaf,
  toRowLeaf,
} from "../../shared/evidence/leaf.ts";
import { isLogName, type LogName } from "../../shared/logs/index.ts";
import type { LeafColumn, Member } from "../../shared/logs/log.ts";
import {
  type Bytes,
  encodeWithPrefix,
  equalsHex,
  HASH_BYTES,
  hashToScratch,
  isHex,
  toHex,
  writeHex,
} from "../../shared/tlog/encoding.ts";

const DECIMAL = /^(0|[1-9]\d*)$/;

/** Parses the data of a leaf; `fault` completes "The leaf …". */
export function parseLeaf(data: string): { leaf: Leaf } | { fault: string } {
  const members = parseMembers(data);
  if (members === null) {
    return {
      fault: "is not a JSON array of strings and nulls without white space",
    };
  }
  const leaf = toLeaf(members);
  return leaf === null
    ? { fault: "has an unknown kind, or lacks a member of its kind" }
    : { leaf };
}

/** Whether a leaf is a row's own. */
export function isRowLeaf(leaf: Leaf): leaf is RowLeaf {
  return leaf.kind === "row/v1" || leaf.kind === "backfill/v1";
}

/**
 * The row of a leaf, from the text of its members; null if they do not have the leaf's
 * digest, or are not those of a row of its log.
 */
export function openLeaf(leaf: RowLeaf, text: string): RecordedRow | null {
  const members = parseMembers(text);
  if (members === null || !fits(leaf.log, members)) return null;
  const { kind, log, id, digest } = leaf;
  const row = { kind, log, id, members };
  return toRowLeaf(row).digest === digest ? row : null;
}

/** The members of canonical JSON; null for any other text. */
function parseMembers(data: string): Member[] | null {
  let members: unknown;
  try {
    members = JSON.parse(data);
  } catch {
    return null;
  }
  const isList = Array.isArray(members) &&
    members.every((member) =>
      member === null || typeof member === "string" && member.isWellFormed()
    );
  return isList && JSON.stringify(members) === data
    ? members as Member[]
    : null;
}

function toLeaf([kind, ...rest]: Member[]): Leaf | null {
  if (kind === "seal/v1") return toSeal(rest);
  const [table, id, ...members] = rest;
  const log = table?.startsWith("public.") ? table.slice(7) : null;
  if (!isLogName(log) || id === null || !isMember("uuid", id)) return null;
  switch (kind) {
    case "row/v1":
    case "backfill/v1":
    case "tombstone/v1":
      return toDigested(kind, log, id, members);
    case "fk-null/v1":
    case "redact/v1":
      return toErasure(kind, log, id, members);
    default:
      return null;
  }
}

function toSeal([cut, sealed, ...more]: Member[]): SealLeaf | null {
  const isSeal = more.length === 0 && DECIMAL.test(cut ?? "") &&
    DECIMAL.test(sealed ?? "");
  return isSeal ? { kind: "seal/v1", cut: cut!, sealed: sealed! } : null;
}

function toDigested(
  kind: RowLeaf["kind"] | "tombstone/v1",
  log: LogName,
  id: string,
  [digest, ...more]: Member[],
): RowLeaf | TombstoneLeaf | null {
  if (digest === undefined || more.length > 0) return null;
  if (digest === null) {
    return kind === "tombstone/v1" ? { kind, log, id, digest } : null;
  }
  return isHex(digest, HASH_BYTES) ? { kind, log, id, digest } : null;
}

function toErasure(
  kind: "fk-null/v1" | "redact/v1",
  log: LogName,
  id: string,
  members: Member[],
): NulledLeaf | RedactedLeaf | null {
  const [name, ticket, ...approvers] = members;
  const columns: readonly LeafColumn[] = layouts[log];
  const column = columns.find((column) => column.name === name);
  if (!column?.committed) return null;
  if (kind === "fk-null/v1") {
    const isWhole = members.length === 1 && column.setNull;
    return isWhole ? { kind, log, id, column: column.name } : null;
  }
  const [first, second] = approvers;
  if (members.length !== 4 || !ticket || !first || !second) return null;
  return {
    kind,
    log,
    id,
    column: column.name,
    ticket,
    approvers: [first, second],
  };
}

function fits(log: LogName, members: Member[]): boolean {
  const columns: readonly LeafColumn[] = layouts[log];
  return members.length === columns.length &&
    columns.every(({ type, committed }, at) =>
      committed
        ? isHex(members[at] ?? "", HASH_BYTES)
        : isMember(type, members[at])
    );
}

/** Random bytes of a salt; every row and column has its own. */
export const SALT_BYTES = 16;

/** A salt, and the byte that distinguishes a member from NULL. */
const saltBuffer = new Uint8Array(SALT_BYTES + 1);

/**
 * The commitment to a member of a committed column, as 64 hex digits:
 * SHA-256(salt ‖ 0x01 ‖ UTF-8 of the member), for NULL SHA-256(salt ‖ 0x00).
 * It is hiding: without the salt it reveals nothing about the member.
 *
 * @throws {RangeError} for a salt of another length.
 */
export function commitTo(salt: Uint8Array, member: Member): string {
  if (salt.length !== SALT_BYTES) {
    throw new RangeError(`A salt has ${SALT_BYTES} bytes`);
  }
  saltBuffer.set(salt);
  return toHex(hashWithSalt(member));
}

/**
 * Whether a commitment opens to this member; commitment and salt are hex that passed
 * `isHex`.
 */
export function opens(
  commitment: string,
  salt: string,
  member: Member,
): boolean {
  writeHex(salt, saltBuffer);
  return equalsHex(hashWithSalt(member), commitment);
}

function hashWithSalt(member: Member): Bytes {
  saltBuffer[SALT_BYTES] = member === null ? 0 : 1;
  return hashToScratch(
    member === null ? saltBuffer : encodeWithPrefix(saltBuffer, member),
  );
}
