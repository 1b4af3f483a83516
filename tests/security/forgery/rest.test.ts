import { beforeAll, describe, expect, test } from "vitest";
import {
  AGENT,
  EVENTS,
  FIRM,
  newId,
  SERVER_ONLY,
  SLUGS,
  TABLES,
  TOOL,
  USER,
  useStack,
} from "../../support/running-stack.ts";

/** Every `Prefer` that PostgREST supports. */
const PREFERENCES = [
  ["", "return=representation", "return=headers-only", "return=minimal"],
  ["resolution=merge-duplicates", "resolution=ignore-duplicates"],
  ["resolution=merge-duplicates,return=representation", "missing=default"],
  ["missing=null", "handling=strict", "handling=lenient"],
  ["handling=strict,max-affected=1", "tx=commit", "tx=rollback"],
  ["count=exact", "count=planned", "count=estimated"],
  ["params=single-object", "timezone=Asia/Kolkata"],
  ["return=representation, resolution=merge-duplicates, missing=default, tx=commit"],
].flat();

/** A table under attack: a row of it, and the columns that a forger would change. */
type Target = { row: Record<string, unknown>; forged: Record<string, unknown> };

/** The first llm-usage row, which has rows in the tables beside the logs. */
const CALL = newId();

const TARGETS: Record<string, Target> = {
  llm_usage_log: {
    row: { ...EVENTS["llm-usage"], id: CALL },
    forged: { cost_usd: "0", cma_project_id: null },
  },
  tool_usage_ledger: {
    row: EVENTS["tool-usage"],
    forged: { cost_usd: "0", venture_id: null },
  },
  model_usage_log: {
    row: EVENTS["model-usage"],
    forged: { reported_model_name: "forged" },
  },
  audit_log: {
    row: { user_id: USER, ...EVENTS.audit },
    forged: { action: "forged", user_id: null },
  },
  llm_usage_details: {
    row: {
      id: CALL,
      firm_id: FIRM,
      uncached_input_tokens: 1200,
      visible_output_tokens: 80,
      cost_source: "reported",
      cost_usd_exact: "0.000152",
      reported_cost_usd: "0.000152",
      cost_is_floor: false,
      cost_differs: false,
    },
    forged: { cost_usd_exact: "0", reported_cost_usd: "0" },
  },
  llm_usage_ratings: {
    row: {
      usage_id: CALL,
      firm_id: FIRM,
      cost_source: "unpriced",
      cost_usd_exact: "0",
      cost_is_floor: true,
      reason: "a price was withdrawn",
    },
    forged: { cost_is_floor: false },
  },
  model_prices: {
    row: {
      provider: "house",
      match_kind: "equals",
      match_value: "house-model-1",
      firm_id: FIRM,
      effective_from: "2026-01-01T00:00:00Z",
      input_usd_per_mtok: "0.1",
      source: "a contract",
    },
    forged: { input_usd_per_mtok: "0" },
  },
  // No API role may insert these.
  llm_budgets: {
    row: {
      firm_id: FIRM,
      limit_usd: "100",
      first_month: "2026-01-01T00:00:00Z",
    },
    forged: { limit_usd: "1000000" },
  },
};

const CALLERS = ["anyone", "member", "chairman", "service"];

/** The strongest key tries every header, the others only those that request a change. */
const TRIES = CALLERS.flatMap((caller) =>
  PREFERENCES.filter((prefer) =>
    caller === "service" || /^$|merge|commit/.test(prefer)
  ).map((prefer) => [caller, prefer])
);

const FUNCTIONS = [
  ["guard", "guard_audit_log", "guard_definition", "accept_state"],
  ["log_state", "doctor", "create_record_function", "owner_privileges"],
  ["price_events", "charge_budgets", "set_budget", "reserve_budget"],
].flat();

/** Tables of the machinery, and a column of each. */
const MACHINERY = {
  accepted_state: { log: "audit_log" },
  budget_months: { firm_id: FIRM },
  reservations: { firm_id: FIRM },
};

/** Headers that select the schema of the machinery. */
const LEDGER_SCHEMA = {
  "content-profile": "ledger",
  "accept-profile": "ledger",
};

describe.each(SERVER_ONLY)("over REST on %s", (engine) => {
  const running = useStack(engine);
  const ids: Record<string, string> = {};
  let callers: Record<string, Record<string, string>>;
  let before: unknown;

  // The firm's price stands for the published prices of the seed, which are many.
  const readAll = async () =>
    Object.fromEntries(
      await Promise.all(
        Object.keys(TARGETS).map(async (table) => [
          table,
          (await running.rows(
            table,
            table === "model_prices" ? { firm_id: FIRM } : {},
          )).map((row) => JSON.stringify(row)).sort(),
        ]),
      ),
    );

  beforeAll(async () => {
    const { stack } = running;
    for (const [table, { row }] of Object.entries(TARGETS)) {
      ids[table] = String(row.id ?? newId());
      if (table === "llm_budgets") continue;
      if (table === "model_prices") {
        const { body } = await running.post("llm-usage/prices", row);
        ids[table] = body.id;
        continue;
      }
      const { error } = await running.admin().from(table)
        .insert({ ...row, id: ids[table] });
      if (error) throw new Error(error.message);
    }
    const { data, error } = await running.admin().rpc("set_llm_budget", {
      firm: FIRM,
      project: null,
      limit_usd: "100",
      thresholds: [50],
      time_zone: "UTC",
    });
    if (error) throw new Error(error.message);
    ids.llm_budgets = data.id;
    const bearer = async (options?: { role?: string }) => ({
      apikey: stack.publishableKey,
      authorization: `Bearer ${await stack.signUserToken(USER, options)}`,
    });
    callers = {
      anyone: { apikey: stack.publishableKey },
      member: await bearer(),
      chairman: await bearer({ role: "chairman" }),
      service: { apikey: stack.secretKey },
    };
    before = await readAll();
  });

  const send = async (
    caller: string,
    method: string,
    path: string,
    prefer: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) => {
    const response = await fetch(`${running.stack.url}/rest/v1/${path}`, {
      method,
      headers: {
        ...callers[caller],
        "content-type": "application/json",
        ...(prefer && { prefer }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    await response.body?.cancel();
    return response.status;
  };

  test.each(TRIES)(
    "%s changes nothing with Prefer: %s",
    async (caller, prefer) => {
      for (const [table, target] of Object.entries(TARGETS)) {
        const { forged } = target;
        const one = `${table}?id=eq.${ids[table]}`;
        const all = `${table}?id=not.is.null`;
        const row = { ...target.row, ...forged, id: ids[table] };
        const answers = [
          await send(caller, "PATCH", one, prefer, forged),
          await send(caller, "PATCH", all, prefer, forged),
          await send(caller, "DELETE", one, prefer),
          await send(caller, "DELETE", all, prefer),
          await send(caller, "PUT", one, prefer, row),
        ];
        const upserts = [
          await send(caller, "POST", table, prefer, row),
          await send(caller, "POST", `${table}?on_conflict=id`, prefer, [row]),
          await send(
            caller,
            "POST",
            `${table}?on_conflict=id&columns=id`,
            prefer,
            { id: ids[table] },
          ),
        ];
        expect(await readAll(), `${table} ${answers} ${upserts}`)
          .toEqual(before);
        // No answer reports a change.
        for (const status of answers) {
          expect(status).toBeGreaterThanOrEqual(400);
        }
        for (const status of upserts) {
          if (!prefer.includes("ignore-duplicates")) {
            expect(status, `${table} ${upserts}`).toBeGreaterThanOrEqual(400);
          }
        }
      }
    },
  );

  describe.each(CALLERS)("%s", (caller) => {
    test("changes nothing by another HTTP method", async () => {
      for (const [table, { forged }] of Object.entries(TARGETS)) {
        const one = `${table}?id=eq.${ids[table]}`;
        for (
          const method of [
            "OPTIONS",
            "HEAD",
            "MERGE",
            "LOCK",
            "COPY",
            "PROPPATCH",
          ]
        ) {
          await send(caller, method, one, "return=representation");
        }
        for (const method of ["PATCH", "DELETE", "PUT"]) {
          await send(caller, "POST", one, "", forged, {
            "x-http-method-override": method,
          });
        }
      }
      expect(await readAll()).toEqual(before);
    });

    test("has no access to the internal functions and tables", async () => {
      for (const name of FUNCTIONS) {
        for (const method of ["POST", "GET"]) {
          for (const profile of [undefined, LEDGER_SCHEMA]) {
            const body = method === "POST" ? { log: "audit_log" } : undefined;
            const path = `rpc/${name}${body ? "" : "?log=audit_log"}`;
            const status = await send(caller, method, path, "", body, profile);
            expect(status, `${method} ${name}`).toBeGreaterThanOrEqual(400);
          }
        }
      }
      for (const [table, row] of Object.entries(MACHINERY)) {
        for (const method of ["GET", "POST", "PATCH", "DELETE"]) {
          const [[column, value]] = Object.entries(row);
          const path = `${table}?${column}=eq.${value}`;
          const body = method === "GET" ? undefined : row;
          const status = await send(
            caller,
            method,
            path,
            "",
            body,
            LEDGER_SCHEMA,
          );
          expect(status, `${method} ${table}`).toBeGreaterThanOrEqual(400);
        }
      }
      expect(await readAll()).toEqual(before);
    });
  });

  test("the record functions overwrite nothing", async () => {
    for (const slug of SLUGS) {
      for (const caller of CALLERS) {
        const table = TABLES[slug];
        const { row, forged } = TARGETS[table];
        const event = { ...row, ...forged, id: ids[table] };
        await send(caller, "POST", `rpc/record_${table}`, "", {
          events: [event],
        });
      }
    }
    expect(await readAll()).toEqual(before);
  });

  test("embedding a log in its parent changes nothing", async () => {
    for (const caller of CALLERS) {
      await send(
        caller,
        "PATCH",
        `firms?id=eq.${FIRM}&select=*,audit_log(*)`,
        "return=representation",
        { audit_log: [{ id: ids.audit_log, action: "forged" }] },
      );
      await send(caller, "PATCH", `agent_registry?id=eq.${AGENT}`, "", {
        id: TOOL,
      });
    }
    expect(await readAll()).toEqual(before);
  });
});
