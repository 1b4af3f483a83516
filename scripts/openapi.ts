/**
 * Writes openapi.json, the OpenAPI document of all logs together. With `--check`
 * it writes nothing and exits with 1 when the file is stale.
 */
import { createDocument } from "../shared/openapi/create-document.ts";
import { LOGS } from "../shared/logs/index.ts";

const DOCUMENT_FILE = new URL("../openapi.json", import.meta.url);

/** The text of openapi.json as it should be. */
export async function writeDocument(): Promise<string> {
  const bySlug = LOGS.toSorted((one, other) => one.slug < other.slug ? -1 : 1);
  const document = await createDocument(bySlug);
  return JSON.stringify(document, null, 2) + "\n";
}

if (import.meta.main) {
  const text = await writeDocument();
  if (!Deno.args.includes("--check")) {
    await Deno.writeTextFile(DOCUMENT_FILE, text);
  } else if (text !== await Deno.readTextFile(DOCUMENT_FILE).catch(() => "")) {
    console.error(
      "openapi.json does not match the logs: run npm run openapi",
    );
    Deno.exit(1);
  }
}
