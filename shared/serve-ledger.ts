import { anyCaller, anyone, serviceOnly } from "./http/access.ts";
import type {
  CallerContext,
  Context,
  DatabaseContext,
} from "./http/context.ts";
import { createProblem, ProblemError } from "./http/problem.ts";
import { readOne, refuseParameter, requireKnown } from "./http/parameters.ts";
import { decodeText, readBytes } from "./http/read-body.ts";
import { route } from "./http/routes.ts";
import { serve } from "./http/serve.ts";
import { cosignCheckpoint } from "./evidence/cosign-checkpoint.ts";
import { KEY_VARIABLES, type LedgerKeys } from "./evidence/ledger-keys.ts";
import { createTileReader, proveRow } from "./evidence/prove-row.ts";
import { signTree } from "./evidence/sign-tree.ts";
import { HASH_BYTES, toBase64 } from "./tlog/encoding.ts";
import { proveConsistency } from "./tlog/proofs.ts";
import { parseTilePath, TILE_WIDTH } from "./tlog/tiles.ts";
import { uuid } from "./logs/fields.ts";
import { isLogSlug, LOG_SLUGS, LOGS_BY_SLUG } from "./logs/index.ts";
import type { ResolvedEnvironment } from "./db/environment.ts";
import { readState, seal } from "./db/evidence-store.ts";
import { fetchRow } from "./db/read-log.ts";
import * as z from "zod";

type LedgerHandler<Ctx extends Context> = (
  ctx: Ctx,
  keys: LedgerKeys,
) => Promise<Response>;

/**
 * The evidence of all logs over HTTP, in the formats of C2SP. Checkpoints, tiles
 * and consistency proofs are public, because they hold hashes only and an auditor
 * needs no permission to check a log. The proof of a row is for callers who may
 * read the row.
 */
export function serveLedger(
  environment: ResolvedEnvironment,
  keys: Promise<LedgerKeys>,
): (request: Request) => Promise<Response> {
  // Logged once at the start; every request fails with it as well.
  keys.catch((error) => console.error(String(error)));
  const withKeys =
    <Ctx extends Context>(handler: LedgerHandler<Ctx>) => async (ctx: Ctx) =>
      await handler(ctx, await keys);
  return serve({
    name: "ledger",
    environment,
    // A tile has one path, by which mirrors and caches know it.
    exactPaths: true,
    notFound:
      "There are checkpoint, tile, consistency, proof, seal, add-checkpoint",
    routes: [
      route("GET", "checkpoint", anyone, withKeys(showCheckpoint)),
      route("GET", "tile/*", anyone, withKeys(showTile)),
      route("GET", "consistency", anyone, withKeys(showConsistency)),
      route("GET", "proof/*", anyCaller, withKeys(showProof)),
      route("POST", "seal", serviceOnly("seal"), withKeys(sealAndSign)),
      route("POST", "add-checkpoint", anyone, withKeys(cosignOther)),
    ],
  });
}

async function showCheckpoint({ env }: DatabaseContext): Promise<Response> {
  const { checkpoint } = await readState(env);
  if (checkpoint === null) throw notFound("Nothing is signed yet");
  return text(checkpoint.note);
}

async function showTile(
  { env, rest }: DatabaseContext,
): Promise<Response> {
  const tile = parseTilePath(["tile", ...rest].join("/"));
  if (tile === null) throw notFound("This is not the path of a tile");
  const hashes = await createTileReader(env)(tile);
  if (hashes.length < tile.width * HASH_BYTES) {
    throw notFound("The tree has no such tile yet");
  }
  const isFull = tile.width === TILE_WIDTH;
  return new Response(hashes, {
    headers: {
      "content-type": "application/octet-stream",
      // What is in a tree never changes.
      "cache-control": `public, max-age=${isFull ? 31_536_000 : 60}, immutable`,
    },
  });
}

async function showConsistency(
  { env, query }: DatabaseContext,
): Promise<Response> {
  requireKnown(query, ["from"]);
  const wanted = "Expected the size of an earlier checkpoint";
  const from = readOne(query, "from", z.string().regex(/^\d{1,15}$/, wanted));
  if (from === null) throw refuseParameter("from", "is required");
  const { checkpoint } = await readState(env);
  if (checkpoint === null) throw notFound("Nothing is signed yet");
  if (Number(from) > checkpoint.size) {
    throw refuseParameter("from", "is more than the size of the checkpoint");
  }
  const read = createTileReader(env);
  const hashes = await proveConsistency(read, Number(from), checkpoint.size);
  return Response.json({
    from: Number(from),
    to: checkpoint.size,
    hashes: hashes.map(toBase64),
    checkpoint: checkpoint.note,
  });
}

async function showProof(
  { env, caller, rest }: CallerContext,
): Promise<Response> {
  const [slug = "", id = "", ...more] = rest;
  const isRow = isLogSlug(slug) && more.length === 0 &&
    uuid().safeParse(id).success;
  if (!isRow) {
    throw notFound(
      `Proofs are at proof/<log>/<id>, where <log> is ${LOG_SLUGS.join(", ")}`,
    );
  }
  const log = LOGS_BY_SLUG[slug];
  const isVisible = caller.kind === "service" ||
    await fetchRow({ log, caller, env }, id) !== null;
  if (!isVisible) throw notFound(`${log.table} has no such row`);
  const result = await proveRow(env, log.table, id.toLowerCase());
  if ("reason" in result) throw notFound(result.reason);
  return text(result.proof);
}

async function sealAndSign(
  ctx: CallerContext,
  keys: LedgerKeys,
): Promise<Response> {
  const { env } = ctx;
  const sealed = await seal(env);
  if (keys.signers.length === 0) {
    const unsigned = `${KEY_VARIABLES.signers} is not set`;
    return Response.json({ ...sealed, checkpoint: null, unsigned });
  }
  const signed = await signTree(env, keys);
  if ("refusal" in signed) {
    ctx.report(new Error(signed.refusal));
    throw new ProblemError(createProblem("inconsistent", signed.refusal));
  }
  return Response.json({ ...sealed, checkpoint: signed.note });
}

async function cosignOther(
  ctx: DatabaseContext,
  keys: LedgerKeys,
): Promise<Response> {
  const { witness } = keys;
  if (witness === null) throw notFound("This project is not a witness");
  const body = decodeText(await readBytes(ctx));
  const answer = await cosignCheckpoint(
    body,
    ctx.env,
    { ...keys, witness },
    new Date(),
  );
  return new Response(answer.body, {
    status: answer.status,
    headers: { "content-type": answer.contentType },
  });
}

function text(content: string): Response {
  return new Response(content, {
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
}

function notFound(detail: string): ProblemError {
  return new ProblemError(createProblem("not_found", detail));
}
