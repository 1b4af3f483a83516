import { requireKnown } from "../http/query.ts";
import type { Log } from "../logs/log.ts";
import { createDocument, type Document } from "./create-document.ts";

/** Documents made so far: a function serves one log for as long as it lives. */
const documents = new WeakMap<Log, Promise<Document>>();

/**
 * Answers `GET /<log>/openapi.json`: the document of this log, to anyone.
 *
 * @throws {ProblemError} 400 for any query parameter.
 */
export async function answerDocument(
  log: Log,
  request: Request,
): Promise<Response> {
  requireKnown(new URL(request.url).searchParams, []);
  const document = documents.get(log) ?? createDocument([log]);
  documents.set(log, document);
  return Response.json(await document);
}
