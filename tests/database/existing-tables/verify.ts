import { permitSigner } from "../../../shared/evidence/ledger-keys.ts";
import { collectEvidence } from "../../../scripts/evidence/collect-evidence.ts";
import { fromHex, toBase64 } from "../../../shared/tlog/encoding.ts";
import { hashTree } from "../../../shared/tlog/tree.ts";
import type { Verdict } from "../../../scripts/verify/verdict.ts";
import { verifyBundle } from "../../../scripts/verify/verify-bundle.ts";
import type { Query } from "../../support/databases.ts";
import { makeLogKeys, trustLogs } from "../../support/evidence-stack.ts";
import { signRoot } from "../../support/tampering.ts";

/**
 * Evidence of a database, collected and verified without a stack.
 *
 * @module
 */

/** What `ledger.seal` answers while rows from before the capture are left. */
interface SealedWithBacklog {
  busy?: boolean;
  pending: number;
  backlog?: number;
}

/** Seals until every row has a sealed leaf; the backlog after each call. */
export async function sealEverything(
  query: Query,
): Promise<(number | undefined)[]> {
  const deadline = Date.now() + 60_000;
  const backlogs: (number | undefined)[] = [];
  for (;;) {
    const [{ sealed }] = await query<{ sealed: SealedWithBacklog }>(
      "select ledger.seal() as sealed",
    );
    backlogs.push(sealed.backlog);
    if (sealed.pending === 0 && !sealed.backlog) return backlogs;
    if (Date.now() > deadline) {
      throw new Error(`leaves stay pending: ${JSON.stringify(sealed)}`);
    }
  }
}

/** Signs the tree as it is, and verifies a bundle of everything. */
export async function verify(query: Query): Promise<Verdict> {
  const keys = await makeLogKeys();
  await sign(query, keys.signerKey);
  const lines: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => answer(query, request),
  );
  try {
    await collectEvidence(
      { url: `http://127.0.0.1:${server.addr.port}`, key: "" },
      {
        write: (line) => Promise.resolve(void lines.push(line)),
        restart: () => Promise.resolve(void (lines.length = 0)),
      },
    );
  } finally {
    await server.shutdown();
  }
  return await verifyBundle(lines, trustLogs(keys.verifierKey));
}

async function sign(query: Query, signerKey: string): Promise<void> {
  const leaves = await query<{ hash: string }>(
    "select encode(hash, 'hex') as hash from ledger.leaves order by index",
  );
  const root = hashTree(leaves.map(({ hash }) => fromHex(hash)));
  // A checkpoint of another key, of a bundle before, would not be trusted.
  await query(
    "alter table ledger.checkpoints disable trigger refuse_change",
  );
  await query("delete from ledger.checkpoints");
  await query(
    "alter table ledger.checkpoints enable always trigger refuse_change",
  );
  await query(permitSigner("checkpoint", "verifier"));
  await query("select ledger.add_checkpoint(0, $1, $2, $3, '{verifier}')", [
    leaves.length,
    toBase64(root),
    await signRoot(leaves.length, root, signerKey),
  ]);
}

/** Answers a call of a function as the REST API does, and with the last checkpoint. */
async function answer(query: Query, request: Request): Promise<Response> {
  if (request.method === "GET") {
    const [{ note }] = await query<{ note: string }>(
      "select note from ledger.checkpoints order by size desc limit 1",
    );
    return new Response(note);
  }
  const name = new URL(request.url).pathname.split("/").at(-1)!;
  const parameters = Object.entries(
    await request.json() as Record<string, unknown>,
  );
  const list = parameters.map(([key], at) => `${key} => $${at + 1}`).join(", ");
  const [{ result }] = await query<{ result: unknown }>(
    `select public.${name}(${list}) as result`,
    parameters.map(([, value]) => value),
  );
  return Response.json(result);
}
