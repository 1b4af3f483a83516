import { authenticate } from "./endpoint/authenticate.ts";
import { answerPreflight } from "./endpoint/cors.ts";
import { requireService } from "./endpoint/prepare-events.ts";
import { createProblem, ProblemError } from "./endpoint/problem.ts";
import { readOne, refuseParameter, requireKnown } from "./endpoint/query.ts";
import { decodeText, readBytes } from "./endpoint/read-body.ts";
import { noteOn } from "./endpoint/request-notes.ts";
import { type Report, serve } from "./endpoint/serve.ts";
import { answerWitness } from "./evidence/answer-witness.ts";
import { KEY_VARIABLES, type LedgerKeys } from "./evidence/ledger-keys.ts";
import { proveRow } from "./evidence/prove-row.ts";
import { createTileReader } from "./evidence/read-tiles.ts";
import { signTree } from "./evidence/sign-tree.ts";
import { toBase64 } from "./ledger/base64.ts";
import { proveConsistency } from "./ledger/proofs.ts";
import { HASH_BYTES } from "./ledger/sha256.ts";
import { parseTilePath, TILE_WIDTH } from "./ledger/tiles.ts";
import { uuid } from "./logs/fields.ts";
import { isLogSlug, LOG_SLUGS, LOGS_BY_SLUG } from "./logs/index.ts";
import type { Environment, ResolvedEnvironment } from "./store/environment.ts";
import { readState, seal } from "./store/evidence-store.ts";
import { fetchRow } from "./store/read-log.ts";
import * as z from "zod";

/** What a route is answered with. */
type Call = {
  request: Request;
  env: Environment;
  keys: LedgerKeys;
  /** The parts of the path below the route. */
  rest: string[];
  report: Report;
};

type Answer = (call: Call) => Promise<Response>;

type Route = {
  method: "GET" | "POST";
  answer: Answer;
  /** Whether the path goes on below it. */
  hasRest?: true;
};

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ["checkpoint", { method: "GET", answer: showCheckpoint }],
  ["tile", { method: "GET", answer: showTile, hasRest: true }],
  ["consistency", { method: "GET", answer: showConsistency }],
  ["proof", { method: "GET", answer: showProof, hasRest: true }],
  ["seal", { method: "POST", answer: sealAndSign }],
  ["add-checkpoint", { method: "POST", answer: cosignOther }],
]);

/**
 * The evidence of all logs over HTTP, in the formats of C2SP. Checkpoints, tiles
 * and consistency are for everybody: they hold hashes, and whoever checks the log
 * should not have to ask. A proof of a row is for those who may see the row.
 */
export function serveLedger(
  environment: ResolvedEnvironment,
  keys: Promise<LedgerKeys>,
): (request: Request) => Promise<Response> {
  // Said once when the function starts; requests fail with it as well.
  keys.catch((error) => console.error(String(error)));
  return serve("ledger", async (request, report) => {
    const { pathname } = new URL(request.url);
    const [, , name = "", ...rest] = pathname.split("/");
    const route = ROUTES.get(name);
    if (!route || (rest.length > 0 && !route.hasRest)) {
      throw notFound(`There are ${[...ROUTES.keys()].join(", ")}`);
    }
    noteOn(request, { route: name });
    const methods = route.method === "GET" ? ["GET", "HEAD"] : ["POST"];
    const allow = [...methods, "OPTIONS"].join(", ");
    if (request.method === "OPTIONS") return answerPreflight(allow);
    if (!methods.includes(request.method)) {
      throw new ProblemError(
        createProblem("method_not_allowed", `Here is ${methods[0]} alone`),
        { allow },
      );
    }
    if (environment.error) throw environment.error;
    const env = environment.data;
    const call = { request, env, keys: await keys, rest, report };
    const response = await route.answer(call);
    if (request.method !== "HEAD") return response;
    await response.body?.cancel();
    return new Response(null, response);
  });
}

async function showCheckpoint({ env }: Call): Promise<Response> {
  const { checkpoint } = await readState(env);
  if (checkpoint === null) throw notFound("Nothing is signed yet");
  return text(checkpoint.note);
}

async function showTile({ env, rest }: Call): Promise<Response> {
  const tile = parseTilePath(["tile", ...rest].join("/"));
  if (tile === null) throw notFound("This is no path of a tile");
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

async function showConsistency({ env, request }: Call): Promise<Response> {
  const query = new URL(request.url).searchParams;
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

async function showProof({ env, request, rest }: Call): Promise<Response> {
  const [slug = "", id = "", ...more] = rest;
  const isRow = isLogSlug(slug) && more.length === 0 &&
    uuid().safeParse(id).success;
  if (!isRow) {
    throw notFound(
      `Proofs are at proof/<log>/<id>, where <log> is ${LOG_SLUGS.join(", ")}`,
    );
  }
  const log = LOGS_BY_SLUG[slug];
  const caller = await authenticate(request, env);
  const isVisible = caller.kind === "service" ||
    await fetchRow({ log, caller, env }, id) !== null;
  if (!isVisible) throw notFound(`${log.table} has no such row`);
  const result = await proveRow(env, log.table, id.toLowerCase());
  if ("reason" in result) throw notFound(result.reason);
  return text(result.proof);
}

async function sealAndSign(
  { env, request, keys, report }: Call,
): Promise<Response> {
  requireService(await authenticate(request, env), "seal");
  const sealed = await seal(env);
  if (keys.signers.length === 0) {
    const unsigned = `${KEY_VARIABLES.signers} is not set`;
    return Response.json({ ...sealed, checkpoint: null, unsigned });
  }
  const signed = await signTree(env, keys);
  if ("refusal" in signed) {
    report(new Error(signed.refusal));
    throw new ProblemError(createProblem("inconsistent", signed.refusal));
  }
  return Response.json({ ...sealed, checkpoint: signed.note });
}

async function cosignOther({ env, request, keys }: Call): Promise<Response> {
  const { witness } = keys;
  if (witness === null) throw notFound("This project is no witness");
  const body = decodeText(await readBytes(request));
  const answer = await answerWitness(
    body,
    env,
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
