import { describe, expect, test, vi } from "vitest";
import { LOGS } from "../../../shared/logs/index.ts";
import {
  MAX_BODY_BYTES,
  MAX_EVENTS,
  MAX_IDEMPOTENCY_KEY,
} from "../../../shared/limits.ts";
import { serveLog } from "../../../shared/serve-log.ts";
import { createDocument } from "../../../scripts/openapi/create-document.ts";
import { NOBODY, useStack } from "../../support/running-stack.ts";
import { AWAY } from "./away-environment.ts";
import { DocumentSchemas } from "../../support/document-schemas.ts";

const document = await createDocument(LOGS);
const schemas = new DocumentSchemas(document);
const RANGE = "from=2026-01-01&to=2026-01-02";

describe("answers as documented", () => {
  const ledger = useStack("PGlite");

  describe.each([...LOGS])("$slug", (log) => {
    const { slug } = log;

    /** Checks an answer against the document of the operation at a path below the log's. */
    function expectDocumented(
      path: string,
      answer: { status: number; body: unknown },
      method = "get",
    ): void {
      const [operation] = path.split("?");
      expect(schemas.answerFaults({
        path: `/${slug}${operation}`,
        method,
        ...answer,
      })).toEqual([]);
    }

    test.each(
      [
        [401, "", { apikey: null }],
        [401, "/summary", { apikey: "sb_secret_wrong" }],
        [401, "/{id}", { apikey: null }],
        [400, "?colour=red", {}],
        [400, "/summary", {}],
        [400, "/{id}?colour=red", {}],
        [404, "/{id}", {}],
        [406, "", { accept: "image/png" }],
        [406, `/summary?${RANGE}`, { accept: "image/png" }],
      ] as [number, string, Record<string, string | null>][],
    )("%d to GET %s with %o", async (status, path, headers) => {
      const options = { method: "GET", headers };
      const url = slug + path.replace("{id}", NOBODY);
      const answer = await ledger.post(url, undefined, options);
      expect(answer.status).toBe(status);
      expectDocumented(path, answer);
      if (status !== 401) return;
      expect(answer.headers.get("www-authenticate")).toContain("Bearer");
    });

    test.each(
      [
        [400, "broken JSON", "{", {}],
        [400, "a long key", "{}", {
          "idempotency-key": "k".repeat(MAX_IDEMPOTENCY_KEY + 1),
        }],
        [401, "no credential", "{}", { apikey: null }],
        [413, "a long body", " ".repeat(MAX_BODY_BYTES + 1), {}],
        [413, "many events", `[${Array(MAX_EVENTS + 1).fill("{}")}]`, {}],
        [415, "plain text", "{}", { "content-type": "text/plain" }],
        [415, "brotli", "{}", { "content-encoding": "br" }],
        [422, "no events", "[]", {}],
        [422, "an empty event", "{}", {}],
      ] as [number, string, string, Record<string, string | null>][],
    )("%d to POST with %s", async (status, _what, body, headers) => {
      const answer = await ledger.post(slug, body, { headers });
      expect(answer.status).toBe(status);
      expectDocumented("", answer, "post");
    });

    test("403 to a user who may not write, for a log that refuses users", async () => {
      const { userWrites } = log;
      // Every user may write there; producer keys of other logs are refused.
      if (userWrites !== null && !userWrites.attributed) return;
      const { action, entity_type } = log.example;
      const event = { action, entity_type };
      const answer = await ledger.postAs(NOBODY, slug, event);
      expect(answer.status).toBe(403);
      expectDocumented("", answer, "post");
    });

    test("405 to any other method", async () => {
      for (const path of ["", "/summary", "/openapi.json", `/${NOBODY}`]) {
        const options = { method: "DELETE" };
        const answer = await ledger.post(slug + path, undefined, options);
        expect(answer.status).toBe(405);
        expect(answer.headers.get("allow")).toContain("GET");
        expect(schemas.faults(
          answer.body,
          ...["components", "responses", "MethodNotAllowed", "content"],
          ...["application/problem+json", "schema"],
        )).toEqual([]);
      }
    });

    test("304 to a matching If-None-Match", async () => {
      await ledger.post(slug, log.example);
      const get = (headers = {}) =>
        ledger.post(`${slug}/${log.example.id}`, undefined, {
          method: "GET",
          headers,
        });
      const etag = (await get()).headers.get("etag")!;
      const { status, body } = await get({ "if-none-match": etag });
      expect([status, body]).toEqual([304, ""]);
      const { responses } = document.paths[`/${slug}/{id}`].get;
      expect(responses[304].content).toBeUndefined();
    });

    test.each([
      [503, AWAY],
      [500, { data: null, error: new Error("no environment") }],
    ])(
      "%d without a database or configuration",
      async (status, environment) => {
        const errorLog = vi.spyOn(console, "error").mockReturnValue();
        const serve = serveLog(log, environment as typeof AWAY);
        for (const path of ["", `/summary?${RANGE}`, "/{id}"]) {
          const response = await serve(
            new Request(`http://x/${slug}${path.replace("{id}", NOBODY)}`, {
              headers: { apikey: "sb_secret_x" },
            }),
          );
          expect(response.status).toBe(status);
          expect(response.headers.has("retry-after")).toBe(status === 503);
          expectDocumented(path, { status, body: await response.json() });
        }
        expect(errorLog).toHaveBeenCalledTimes(3);
        errorLog.mockRestore();
      },
    );
  });
});
