import { beforeAll, describe, expect, test } from "vitest";
import {
  AGENT,
  ENGINES,
  EVENTS,
  FIRM,
  newId,
  type Slug,
  SLUGS,
  TABLES,
  TOOL,
  USER,
  useStack,
} from "../../endpoint/running-stack.ts";

/** Every `Prefer` that PostgREST knows, with what it says. */
const PREFERENCES = [
  "",
  "return=representation",
  "return=headers-only",
  "return=minimal",
  "resolution=merge-duplicates",
  "resolution=ignore-duplicates",
  "resolution=merge-duplicates,return=representation",
  "missing=default",
  "missing=null",
  "handling=strict",
  "handling=lenient",
  "handling=strict,max-affected=1",
  "tx=commit",
  "tx=rollback",
  "count=exact",
  "count=planned",
  "count=estimated",
  "params=single-object",
  "timezone=Asia/Kolkata",
  "return=representation, resolution=merge-duplicates, missing=default, tx=commit",
];

/** Columns that a forger would want to change, per log. */
const FORGED: Record<Slug, Record<string, unknown>> = {
  "llm-usage": { cost_usd: "0", cma_project_id: null },
  "tool-usage": { cost_usd: "0", venture_id: null },
  "model-usage": { reported_model_name: "forged" },
  "audit": { action: "forged", user_id: null },
};

const CALLERS = ["anyone", "member", "chairman", "service"];

/** The strongest key tries every header, the others those that ask for a change. */
const TRIES = CALLERS.flatMap((caller) =>
  PREFERENCES.filter((prefer) =>
    caller === "service" || /^$|merge|commit/.test(prefer)
  ).map((prefer) => [caller, prefer])
);

const FUNCTIONS = [
  "guard",
  "guard_audit_log",
  "guard_definition",
  "accept_state",
  "log_state",
  "doctor",
  "create_record_function",
  "owner_privileges",
];

describe.each(ENGINES)("over REST on %s", (engine) => {
  const running = useStack(engine);
  const ids = {} as Record<Slug, string>;
  let callers: Record<string, Record<string, string>>;
  let before: unknown;

  const readAll = async () =>
    Object.fromEntries(
      await Promise.all(
        SLUGS.map(async (slug) => [
          slug,
          (await running.rows(TABLES[slug])).map((row) => JSON.stringify(row))
            .sort(),
        ]),
      ),
    );

  beforeAll(async () => {
    const { stack } = running;
    for (const slug of SLUGS) {
      ids[slug] = newId();
      const row = slug === "audit"
        ? { user_id: USER, ...EVENTS.audit }
        : EVENTS[slug];
      const { error } = await running.admin().from(TABLES[slug])
        .insert({ ...row, id: ids[slug] });
      if (error) throw new Error(error.message);
    }
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
  }, 60_000);

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
      for (const slug of SLUGS) {
        const one = `${TABLES[slug]}?id=eq.${ids[slug]}`;
        const all = `${TABLES[slug]}?id=not.is.null`;
        const row = { ...EVENTS[slug], ...FORGED[slug], id: ids[slug] };
        const answers = [
          await send(caller, "PATCH", one, prefer, FORGED[slug]),
          await send(caller, "PATCH", all, prefer, FORGED[slug]),
          await send(caller, "DELETE", one, prefer),
          await send(caller, "DELETE", all, prefer),
          await send(caller, "PUT", one, prefer, row),
        ];
        const upserts = [
          await send(caller, "POST", TABLES[slug], prefer, row),
          await send(
            caller,
            "POST",
            `${TABLES[slug]}?on_conflict=id`,
            prefer,
            [row],
          ),
          await send(
            caller,
            "POST",
            `${TABLES[slug]}?on_conflict=id&columns=id`,
            prefer,
            { id: ids[slug] },
          ),
        ];
        expect(await readAll(), `${slug} ${answers} ${upserts}`).toEqual(
          before,
        );
        // Nothing pretends to have changed something.
        for (const status of answers) {
          expect(status).toBeGreaterThanOrEqual(400);
        }
        for (const status of upserts) {
          if (!prefer.includes("ignore-duplicates")) {
            expect(status, `${slug} ${upserts}`).toBeGreaterThanOrEqual(400);
          }
        }
      }
    },
  );

  describe.each(CALLERS)("%s", (caller) => {
    test("changes nothing by another verb", async () => {
      for (const slug of SLUGS) {
        const one = `${TABLES[slug]}?id=eq.${ids[slug]}`;
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
          await send(caller, "POST", one, "", FORGED[slug], {
            "x-http-method-override": method,
          });
        }
      }
      expect(await readAll()).toEqual(before);
    });

    test("reaches none of the machinery", async () => {
      for (const name of FUNCTIONS) {
        for (const method of ["POST", "GET"]) {
          for (
            const profile of [undefined, {
              "content-profile": "ledger",
              "accept-profile": "ledger",
            }]
          ) {
            const body = method === "POST" ? { log: "audit_log" } : undefined;
            const query = method === "GET" ? "?log=audit_log" : "";
            const status = await send(
              caller,
              method,
              `rpc/${name}${query}`,
              "",
              body,
              profile,
            );
            expect(status, `${method} ${name}`).toBeGreaterThanOrEqual(400);
          }
        }
      }
      for (const method of ["GET", "POST", "PATCH", "DELETE"]) {
        const status = await send(
          caller,
          method,
          "accepted_state?log=eq.audit_log",
          "",
          method === "GET" ? undefined : { log: "audit_log" },
          { "content-profile": "ledger", "accept-profile": "ledger" },
        );
        expect(status, method).toBeGreaterThanOrEqual(400);
      }
      expect(await readAll()).toEqual(before);
    });
  });

  test("the record functions write over nothing", async () => {
    for (const slug of SLUGS) {
      for (const caller of CALLERS) {
        const event = { ...EVENTS[slug], ...FORGED[slug], id: ids[slug] };
        await send(caller, "POST", `rpc/record_${TABLES[slug]}`, "", {
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
        {
          audit_log: [{ id: ids.audit, action: "forged" }],
        },
      );
      await send(caller, "PATCH", `agent_registry?id=eq.${AGENT}`, "", {
        id: TOOL,
      });
    }
    expect(await readAll()).toEqual(before);
  });
});
