import { formatLeaf } from "../../shared/evidence/leaf.ts";
import {
  type Bytes,
  parseBase64,
  toBase64,
  toHex,
} from "../../shared/tlog/encoding.ts";
import { formatCheckpoint } from "../../shared/tlog/checkpoint.ts";
import type { LogName } from "../../shared/logs/index.ts";
import { formatNote, signNote } from "../../shared/tlog/note.ts";
import { hashLeaf, hashTree } from "../../shared/tlog/tree.ts";
import type { TestDatabase } from "./databases.ts";
import { TABLES } from "./running-stack.ts";
import { leafNow } from "./evidence-leaves.ts";
import { ORIGIN } from "./evidence-stack.ts";
import { readSigner } from "./tlog-parsers.ts";

/**
 * Tampering that bypasses the triggers, as the owner of the database can do it.
 *
 * @module
 */

/** Runs statements with every trigger of the tables off, and leaves no trace of that. */
export async function behindTriggers(
  db: TestDatabase,
  tables: string[],
  statements: string,
): Promise<void> {
  const triggers = await db.query<{ on: string; off: string }>(
    `select format('alter table %s enable %s trigger %I', t.tgrelid::regclass,
        case t.tgenabled when 'A' then 'always' else '' end, t.tgname) as on,
      format('alter table %s disable trigger %I', t.tgrelid::regclass, t.tgname) as off
    from pg_trigger t where t.tgrelid = any ($1::text[]::regclass[]) and not t.tgisinternal`,
    [tables],
  );
  await db.exec(
    ["begin", ...triggers.map(({ off }) => off), statements]
      .concat(triggers.map(({ on }) => on), "commit").join(";\n"),
  );
}

/** Changes columns of a row, without its leaf. */
export const rewriteRow = (
  db: TestDatabase,
  log: LogName,
  id: string,
  changes: string,
): Promise<void> =>
  behindTriggers(
    db,
    [`public.${log}`],
    `update public.${log} set ${changes} where id = '${id}'`,
  );

/** The hash that the leaf of a row would have if it were recorded as it is now. */
export async function hashNow(
  db: TestDatabase,
  log: LogName,
  id: string,
): Promise<string> {
  return toHex(hashLeaf(formatLeaf(await leafNow(db, log, id))));
}

/** Gives the sealed leaf of a row another hash, and makes the tree's nodes fit. */
export async function rewriteLeaf(
  db: TestDatabase,
  id: string,
  hash: string,
): Promise<void> {
  await behindTriggers(
    db,
    ["ledger.leaves"],
    `update ledger.leaves set hash = '\\x${hash}' where row_id = '${id}' and kind = 'row'`,
  );
  await rebuildNodes(db);
}

/** Changes the identity of the sealed leaf of a row, and not its hash. */
export function relabelLeaf(
  db: TestDatabase,
  id: string,
  changes: { row_id?: string; log?: LogName; kind?: "row" | "backfill" },
): Promise<void> {
  const values = Object.entries(changes)
    .map(([column, value]) => `${column} = '${value}'`);
  return behindTriggers(
    db,
    ["ledger.leaves"],
    `update ledger.leaves set ${values} where row_id = '${id}' and kind in ('row', 'backfill')`,
  );
}

/** Makes the nodes from the leaves. */
export const rebuildNodes = (db: TestDatabase): Promise<void> =>
  behindTriggers(
    db,
    ["ledger.nodes"],
    `delete from ledger.nodes;
    insert into ledger.nodes (level, index, hash)
    select 1, i, ledger.subtree_root(ledger.tile(0, i))
    from generate_series(0, ledger.tree_size() / 256 - 1) i`,
  );

/** The checkpoint of the first leaves as they are, signed with a key. */
async function signLeaves(
  { query }: TestDatabase,
  size: number,
  signerKey: string,
): Promise<string> {
  const leaves = await query<{ hash: string }>(
    "select encode(hash, 'base64') as hash from ledger.leaves where index < $1 order by index",
    [size],
  );
  const hashes = leaves.map(({ hash }) => parseBase64(hash)!);
  return await signRoot(size, hashTree(hashes), signerKey);
}

/** The checkpoint of a root, signed with a key. */
export async function signRoot(
  size: number,
  root: Bytes,
  signerKey: string,
): Promise<string> {
  const signer = await readSigner(signerKey);
  const text = formatCheckpoint({ origin: ORIGIN, size, root, extensions: [] });
  return formatNote({ text, signatures: [await signNote(text, signer)] });
}

/** The stored notes, by their size. */
export const readNotes = ({ query }: TestDatabase) =>
  query<{ size: number; note: string }>(
    "select size::int, note from ledger.checkpoints order by size",
  );

/** Signs every checkpoint again, for the leaves as they are, with the stolen key. */
export async function signAgain(
  db: TestDatabase,
  signerKey: string,
): Promise<void> {
  for (const { size } of await readNotes(db)) {
    const note = await signLeaves(db, size, signerKey);
    const root = note.split("\n")[2];
    await behindTriggers(
      db,
      ["ledger.checkpoints"],
      `update ledger.checkpoints set note = '${note}', root = decode('${root}', 'base64') where size = ${size}`,
    );
  }
}

/** A random hash. */
export const someHash = (): Bytes => crypto.getRandomValues(new Uint8Array(32));

/** As PostgreSQL writes bytes. */
export const toBytea = (bytes: Bytes): string =>
  `decode('${toBase64(bytes)}', 'base64')`;

/** Drops the leaves beyond a size, with the rows that they are of. */
export async function dropNewest(
  db: TestDatabase,
  size: number,
): Promise<void> {
  const logs = Object.values(TABLES).map((log) => `public.${log}`);
  const deletions = Object.values(TABLES).map((log) =>
    `delete from public.${log} where id in (
      select row_id from ledger.leaves where index >= ${size} and log = '${log}')`
  );
  await behindTriggers(
    db,
    ["ledger.leaves", ...logs],
    [
      ...deletions,
      `delete from ledger.salts where row_id in (select row_id from ledger.leaves where index >= ${size})`,
      `delete from ledger.leaves where index >= ${size}`,
    ].join(";\n"),
  );
  await rebuildNodes(db);
}
