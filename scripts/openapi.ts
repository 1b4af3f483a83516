/**
 * Writes openapi.json, the OpenAPI document of all logs together. With `--check`
 * it writes nothing and exits with 1 when the file is stale.
 */
import { createDocument } from "../shared/openapi/create-document.ts";
import type { Log } from "../shared/logs/log.ts";

const DOCUMENT_FILE = new URL("../openapi.json", import.meta.url);
const LOGS_DIR = new URL("../shared/logs/", import.meta.url);

/** Every log that is declared in shared/logs, by slug. */
export async function collectLogs(): Promise<Log[]> {
  const logs: Log[] = [];
  for await (const { name } of Deno.readDir(LOGS_DIR)) {
    const module = await import(new URL(name, LOGS_DIR).href);
    logs.push(...Object.values(module).filter(isLog));
  }
  return logs.sort((one, other) => one.slug < other.slug ? -1 : 1);
}

/** The text of openapi.json as it should be. */
export async function writeDocument(): Promise<string> {
  const document = await createDocument(await collectLogs());
  return JSON.stringify(document, null, 2) + "\n";
}

function isLog(value: unknown): value is Log {
  return typeof value === "object" && value !== null &&
    "recordFunction" in value;
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
