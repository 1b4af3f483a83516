import { describe, expect, test, vi } from "vitest";
import { MAX_BODY_BYTES } from "../../../shared/limits.ts";
import { llmUsageLog } from "../../../shared/logs/llm-usage-log.ts";
import { createDocument } from "../../../scripts/openapi/create-document.ts";
import { serveLog } from "../../../shared/serve-log.ts";
import { usageRoutes } from "../../../shared/usage/routes.ts";
import {
  FIRM,
  newId,
  OTHER_FIRM,
  USER,
  useStack,
} from "../../support/running-stack.ts";
import { AWAY } from "./away-environment.ts";
import { DocumentSchemas } from "../../support/document-schemas.ts";

const document = await createDocument([llmUsageLog]);
const schemas = new DocumentSchemas(document);
const RANGE = "from=2026-01-01&to=2026-01-02";

describe("answers of llm-usage's own operations as documented", () => {
  const ledger = useStack("PGlite");
  const RATINGS = "/llm-usage/ratings";
  const budget = { firm_id: FIRM, limit_usd: "10" };
  const amount = { firm_id: FIRM, amount_usd: "1" };
  const rating = { reason: "a test" };
  const BODIES: Record<string, unknown> = {
    "/llm-usage/budget": budget,
    "/llm-usage/reserve": amount,
    [`${RATINGS}?${RANGE}`]: rating,
  };
  const POSTS = Object.keys(BODIES);

  /** Checks an answer against the document. */
  const expectDocumented = (
    method: string,
    path: string,
    answer: { status: number; body: unknown; type?: string },
  ) =>
    expect(schemas.answerFaults({
      path: path.split("?")[0],
      method: method.toLowerCase(),
      ...answer,
    })).toEqual([]);

  /** Sends a request, and checks its answer against the document. */
  async function ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string | null> = {},
  ) {
    const answer = await ledger.post(path.slice(1), body, { method, headers });
    const type = answer.headers.get("content-type")!;
    expectDocumented(method, path, { type, ...answer });
    return answer;
  }

  test("a budget is set, reserved from, and shown to a service and to a member", async () => {
    expect((await ask("POST", "/llm-usage/budget", budget)).status).toBe(201);
    const reservation = { ...amount, reservation_id: newId() };
    for (const status of [201, 200]) {
      const answer = await ask("POST", "/llm-usage/reserve", reservation);
      expect(answer.status).toBe(status);
    }
    const changed = { ...reservation, amount_usd: "2" };
    const conflict = await ask("POST", "/llm-usage/reserve", changed);
    expect(conflict.status).toBe(409);
    const exceeded = await ask("POST", "/llm-usage/reserve", {
      ...amount,
      amount_usd: "9.5",
    });
    expect(exceeded.status).toBe(402);
    const none = { ...amount, firm_id: OTHER_FIRM };
    expect((await ask("POST", "/llm-usage/reserve", none)).status).toBe(404);
    const authorization = `Bearer ${await ledger.stack.signUserToken(USER)}`;
    const readers: Record<string, string | null>[] = [
      {},
      { apikey: null, authorization },
    ];
    for (const headers of readers) {
      const path = `/llm-usage/budget?firm_id=${FIRM}`;
      const { status, body } = await ask("GET", path, undefined, headers);
      expect([status, body.budgets]).toEqual([
        200,
        [expect.objectContaining({ reserved_usd: "1", left_usd: "9" })],
      ]);
    }
  });

  test("an unpriced call is rated after its price was entered", async () => {
    const { cost_usd: _, ...call } = llmUsageLog.example;
    await ask("POST", "/llm-usage", { ...call, id: newId() });
    const entered = await ask("POST", "/llm-usage/prices", {
      provider: "house",
      match_kind: "equals",
      match_value: call.model,
      effective_from: "2026-01-01T00:00:00Z",
      input_usd_per_mtok: "0.1",
      output_usd_per_mtok: "0.4",
      source: "a contract",
    });
    expect(entered.status).toBe(201);
    const path = `${RATINGS}?from=2026-01-31&to=2026-02-01`;
    const dry = await ask("POST", path, { ...rating, dry_run: true });
    expect([dry.status, dry.body.changed]).toEqual([200, 1]);
    const rated = await ask("POST", path, rating);
    expect([rated.status, rated.body.changes.length]).toEqual([201, 1]);
    const again = await ask("POST", path, rating);
    expect([again.status, again.body.changed]).toEqual([200, 0]);
  });

  test.each(POSTS)(
    "invalid requests to POST %s get the documented problems",
    async (path) => {
      for (
        const [status, body, headers] of [
          [400, "{", {}],
          [401, "{}", { apikey: null }],
          [413, " ".repeat(MAX_BODY_BYTES + 1), {}],
          [415, "{}", { "content-type": "text/plain" }],
          [415, "{}", { "content-encoding": "br" }],
          [422, "{}", {}],
          [422, "[{}]", {}],
        ] as [number, string, Record<string, string | null>][]
      ) {
        const answer = await ask("POST", path, body, headers);
        expect([body.slice(0, 9), answer.status])
          .toEqual([body.slice(0, 9), status]);
      }
      const unknown = `${path}${path.includes("?") ? "&" : "?"}colour=red`;
      expect((await ask("POST", unknown, BODIES[path])).status).toBe(400);
      const user = await ledger.postAs(USER, path.slice(1), BODIES[path]);
      expect(user.status).toBe(403);
      expect(schemas.answerFaults({
        path: path.split("?")[0],
        method: "post",
        ...user,
      })).toEqual([]);
    },
  );

  test("GET of a budget needs a credential and a firm, and POST of ratings a range", async () => {
    const query = `?firm_id=${FIRM}`;
    for (
      const [status, path, headers] of [
        [400, "/llm-usage/budget", {}],
        [400, "/llm-usage/budget?firm_id=1", {}],
        [400, `/llm-usage/budget${query}&colour=red`, {}],
        [401, `/llm-usage/budget${query}`, { apikey: null }],
      ] as [number, string, Record<string, null>][]
    ) {
      const answer = await ask("GET", path, undefined, headers);
      expect([path, answer.status]).toEqual([path, status]);
    }
    expect((await ask("POST", RATINGS, rating)).status).toBe(400);
  });

  test("any other method gets 405 with Allow", async () => {
    for (const path of Object.keys(BODIES)) {
      const answer = await ledger.post(path.slice(1), undefined, {
        method: "DELETE",
      });
      expect(answer.status).toBe(405);
      expect(answer.headers.get("allow")).toBe(
        path === "/llm-usage/budget"
          ? "GET, HEAD, POST, OPTIONS"
          : "POST, OPTIONS",
      );
      expect(schemas.faults(
        answer.body,
        ...["components", "responses", "MethodNotAllowed", "content"],
        ...["application/problem+json", "schema"],
      )).toEqual([]);
    }
  });

  test.each([
    [503, AWAY],
    [500, { data: null, error: new Error("no environment") }],
  ])(
    "requests get %d without a database or configuration",
    async (status, environment) => {
      const errorLog = vi.spyOn(console, "error").mockReturnValue();
      const serve = serveLog(llmUsageLog, environment as typeof AWAY, {
        routes: usageRoutes,
      });
      for (const path of POSTS) {
        const response = await serve(
          new Request(`http://x${path}`, {
            method: "POST",
            headers: {
              "apikey": "sb_secret_x",
              "content-type": "application/json",
            },
            body: JSON.stringify(BODIES[path]),
          }),
        );
        expect(response.status).toBe(status);
        expect(schemas.answerFaults({
          path: path.split("?")[0],
          method: "post",
          status,
          body: await response.json(),
        })).toEqual([]);
      }
      expect(errorLog).toHaveBeenCalledTimes(POSTS.length);
      errorLog.mockRestore();
    },
  );
});
