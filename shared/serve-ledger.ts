import * as z from "zod";
import type { ResolvedEnvironment } from "./db/environment.ts";
import { seal } from "./db/evidence-store.ts";
import { fetchRow } from "./db/read-log.ts";
import { cosignCheckpoint } from "./evidence/cosign-checkpoint.ts";
import { KEY_VARIABLES, type LedgerKeys } from "./evidence/ledger-keys.ts";
import { createTileReader, proveRow } from "./evidence/prove-row.ts";
import { signTree } from "./evidence/sign-tree.ts";
import {
  findServedCheckpoint,
  type TrustedCheckpoint,
} from "./evidence/trusted-checkpoint.ts";
import { anyone, serviceOnly, serviceOrUser } from "./http/access.ts";
import type {
  CallerContext,
  Context,
  DatabaseContext,
} from "./http/context.ts";
import { readOne, refuseParameter, requireKnown } from "./http/parameters.ts";
import { createProblem, ProblemError } from "./http/problem.ts";
import { decodeText, readBytes } from "./http/read-body.ts";
import { route } from "./http/routes.ts";
import { serve } from "./http/serve.ts";
import { MAX_ADD_CHECKPOINT_BYTES } from "./limits.ts";
import { uuid } from "./logs/fields.ts";
import { isLogSlug, LOG_SLUGS, LOGS_BY_SLUG } from "./logs/index.ts";
import { HASH_BYTES, toBase64 } from "./tlog/encoding.ts";
import { proveConsistency } from "./tlog/proofs.ts";
import { parseTilePath, TILE_WIDTH } from "./tlog/tiles.ts";

/** A handler that needs the keys. */
type LedgerHandler<Ctx extends Context> = (
  ctx: Ctx,
  keys: LedgerKeys,
) => Promise<Response>;

/**
 * The fetch handler of the function `ledger`: the evidence of all logs in the formats
 * of C2SP. Checkpoints, tiles and consistency proofs are public, because they hold
 * hashes only and auditors need them without credentials. The proof of a row is for
 * callers who may read the row.
 */
export function serveLedger(
  environment: ResolvedEnvironment,
  keys: Promise<LedgerKeys>,
): (request: Request) => Promise<Response> {
  // Logs a configuration error at startup; every request fails with it too.
  keys.catch((error) => console.error(String(error)));
  const withKeys =
    <Ctx extends Context>(handler: LedgerHandler<Ctx>) => async (ctx: Ctx) =>
      await handler(ctx, await keys);
  return serve({
    name: "ledger",
    environment,
    // A tile has one path, its key in mirrors and caches.
    exactPaths: true,
    notFound:
      "The path is unknown; use checkpoint, tile/…, consistency, proof/…, seal or add-checkpoint",
    routes: [
      route("GET", "checkpoint", anyone, withKeys(showCheckpoint)),
      route("GET", "tile/*", anyone, withKeys(showTile)),
      route("GET", "consistency", anyone, withKeys(showConsistency)),
      route("GET", "proof/*", serviceOrUser, withKeys(showProof)),
      route("POST", "seal", serviceOnly("seal"), withKeys(sealAndSign)),
      route("POST", "add-checkpoint", anyone, withKeys(addCheckpoint)),
    ],
  });
}

const UNSIGNED = "No checkpoint is signed yet; seal first";

async function showCheckpoint(
  ctx: DatabaseContext,
  keys: LedgerKeys,
): Promise<Response> {
  requireKnown(ctx.query, []);
  const { note } = await requireCheckpoint(ctx, keys);
  return respondText(note);
}

/**
 * The newest checkpoint that a key of this log signed.
 *
 * @throws {ProblemError} 404 without one.
 */
async function requireCheckpoint(
  ctx: DatabaseContext,
  keys: LedgerKeys,
): Promise<TrustedCheckpoint> {
  const { trusted, fault } = await findServedCheckpoint(ctx.env, keys);
  if (fault !== undefined) {
    ctx.report(new Error(`The newest stored checkpoint ${fault}`));
  }
  if (trusted === null) throw notFound(UNSIGNED);
  return trusted;
}

async function showTile(
  { env, query, rest }: DatabaseContext,
): Promise<Response> {
  requireKnown(query, []);
  const tile = parseTilePath(["tile", ...rest].join("/"));
  if (tile === null) {
    throw notFound("The path is not that of a tile; see C2SP tlog-tiles");
  }
  const hashes = await createTileReader(env)(tile);
  if (hashes.length < tile.width * HASH_BYTES) {
    throw notFound("The tree does not have this tile yet; seal first");
  }
  const isFull = tile.width === TILE_WIDTH;
  return new Response(hashes, {
    headers: {
      "content-type": "application/octet-stream",
      // The content of a tile never changes.
      "cache-control": `public, max-age=${isFull ? 31_536_000 : 60}, immutable`,
    },
  });
}

async function showConsistency(
  ctx: DatabaseContext,
  keys: LedgerKeys,
): Promise<Response> {
  const { env, query } = ctx;
  requireKnown(query, ["from"]);
  const expected = "Expected the size of an earlier checkpoint";
  const from = readOne(query, "from", z.string().regex(/^\d{1,15}$/, expected));
  if (from === null) throw refuseParameter("from", "is required");
  const { checkpoint, note } = await requireCheckpoint(ctx, keys);
  if (Number(from) > checkpoint.size) {
    throw refuseParameter(
      "from",
      "is more than the size of the newest checkpoint",
    );
  }
  const read = createTileReader(env);
  const hashes = await proveConsistency(read, Number(from), checkpoint.size);
  return Response.json({
    from: Number(from),
    to: checkpoint.size,
    hashes: hashes.map(toBase64),
    checkpoint: note,
  });
}

async function showProof(
  { env, caller, query, rest }: CallerContext,
  keys: LedgerKeys,
): Promise<Response> {
  requireKnown(query, []);
  const [slug = "", id = "", ...more] = rest;
  const isRow = isLogSlug(slug) && more.length === 0 &&
    uuid().safeParse(id).success;
  if (!isRow) {
    throw notFound(
      `The path is not that of a proof; use proof/<log>/<id>, where <log> is ${
        LOG_SLUGS.join(", ")
      }`,
    );
  }
  const log = LOGS_BY_SLUG[slug];
  const isVisible = caller.kind === "service" ||
    await fetchRow({ log, caller, env }, [id]) !== null;
  if (!isVisible) {
    throw notFound(`${log.table} has no row with this id that you may see`);
  }
  const result = await proveRow(env, keys, log.table, id.toLowerCase());
  if ("reason" in result) throw notFound(result.reason);
  return respondText(result.proof);
}

async function sealAndSign(
  ctx: CallerContext,
  keys: LedgerKeys,
): Promise<Response> {
  requireKnown(ctx.query, []);
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

async function addCheckpoint(
  ctx: DatabaseContext,
  keys: LedgerKeys,
): Promise<Response> {
  const { witness } = keys;
  if (witness === null) {
    throw notFound("This project is not configured as a witness");
  }
  const body = decodeText(
    await readBytes(ctx, {
      maxBytes: MAX_ADD_CHECKPOINT_BYTES,
      unverified: "witness",
    }),
  );
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

function respondText(content: string): Response {
  return new Response(content, {
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
}

function notFound(detail: string): ProblemError {
  return new ProblemError(createProblem("not_found", detail));
}
