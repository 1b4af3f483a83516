/**
 * Writes openapi.json, the OpenAPI document of all logs together. With `--check`
 * it writes nothing and exits with 1 when the file is stale.
 */
import { createDocument } from "../shared/openapi/create-document.ts";
import { LOGS } from "../shared/logs/index.ts";
import { runGenerator } from "./generated-file.ts";

/** The text of openapi.json as it should be. */
export async function writeDocument(): Promise<string> {
  const bySlug = LOGS.toSorted((one, other) => one.slug < other.slug ? -1 : 1);
  const document = await createDocument(bySlug);
  return JSON.stringify(document, null, 2) + "\n";
}

if (import.meta.main) {
  await runGenerator({
    path: "openapi.json",
    source: "the declarations of the logs",
    script: "openapi",
    make: writeDocument,
  });
}
