/**
 * `npm run openapi`: writes the OpenAPI documents, one per log, which its function
 * serves, and one of all logs.
 */
import { LOGS } from "../shared/logs/index.ts";
import type { Log } from "../shared/logs/log.ts";
import { runGenerator } from "./generated-file.ts";
import { createDocument } from "./openapi/create-document.ts";

/** The document of all logs. */
export const COMPLETE_DOCUMENT = "docs/openapi.json";

/** The document that a log's function serves. */
export function documentOf({ slug }: Pick<Log, "slug">): string {
  return `supabase/functions/${slug}/openapi.json`;
}

/** The texts of the documents, by path. */
export async function makeDocuments(): Promise<Record<string, string>> {
  const bySlug = LOGS.toSorted((a, b) => a.slug < b.slug ? -1 : 1);
  const documents: Record<string, string> = {
    [COMPLETE_DOCUMENT]: await makeDocument(bySlug),
  };
  for (const log of bySlug) {
    documents[documentOf(log)] = await makeDocument([log]);
  }
  return documents;
}

async function makeDocument(logs: readonly Log[]): Promise<string> {
  return JSON.stringify(await createDocument(logs), null, 2) + "\n";
}

if (import.meta.main) {
  await runGenerator({
    name: "the OpenAPI documents",
    source: "the declarations of the logs",
    script: "openapi",
    make: makeDocuments,
  });
}
