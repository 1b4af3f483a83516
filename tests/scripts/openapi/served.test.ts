import { describe, expect, test, vi } from "vitest";
import { LOGS } from "../../../shared/logs/index.ts";
import { serveLog } from "../../../shared/serve-log.ts";
import { createDocument } from "../../../scripts/openapi/create-document.ts";
import { walkImports } from "../../support/walk-imports.ts";
import { useStack } from "../../support/running-stack.ts";

/** The paths that a log has beyond those of every log. */
const OWN_PATHS: Record<string, string[]> = {
  "llm-usage": [
    "/llm-usage/budget",
    "/llm-usage/reserve",
    "/llm-usage/prices",
    "/llm-usage/ratings",
  ],
};

describe("openapi.json of a function", () => {
  const ledger = useStack("PGlite");

  describe.each([...LOGS])("$slug", (log) => {
    const { slug } = log;
    const get = (query = "", method = "GET") =>
      fetch(`${ledger.stack.url}/functions/v1/${slug}/openapi.json${query}`, {
        method,
      });

    test("is the document of this log alone, without a credential", async () => {
      const response = await get();
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe("application/json");
      expect(response.headers.get("x-request-id")).toBeTruthy();
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      const document = await response.json();
      expect(document).toEqual(await createDocument([log]));
      expect(Object.keys(document.paths)).toEqual([
        `/${slug}`,
        `/${slug}/summary`,
        `/${slug}/openapi.json`,
        `/${slug}/{id}`,
        ...OWN_PATHS[slug] ?? [],
      ]);
    });

    test("has no body for HEAD, and refuses parameters", async () => {
      const head = await get("", "HEAD");
      expect([head.status, await head.text()]).toEqual([200, ""]);
      const parameter = await get("?x=1");
      const { code } = await parameter.json();
      expect([parameter.status, code]).toEqual([400, "invalid_parameter"]);
    });

    test("is served even if the function is misconfigured", async () => {
      const accessLog = vi.spyOn(console, "log").mockReturnValue();
      const error = new Error("no environment");
      const serve = serveLog(log, { data: null, error } as never, {
        document: () => Promise.resolve({ default: {} }),
      });
      const request = new Request(`http://x/${slug}/openapi.json`);
      const answer = await serve(request);
      expect(answer.status).toBe(200);
      await answer.body?.cancel();
      accessLog.mockRestore();
    });
  });
});

test("a function loads its document only on request", async () => {
  for (const { slug } of LOGS) {
    const entry = new URL(
      `../../../supabase/functions/${slug}/index.ts`,
      import.meta.url,
    );
    const { atStart, all } = await walkImports(entry.pathname);
    const isDocument = (file: string) =>
      file.endsWith(`/functions/${slug}/openapi.json`);
    expect(atStart.files.filter(isDocument)).toEqual([]);
    expect(all.files.filter(isDocument)).toHaveLength(1);
  }
});
