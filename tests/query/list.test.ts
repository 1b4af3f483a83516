import { beforeAll, describe, expect, test, vi } from "vitest";
import {
  type Answer,
  ENGINES,
  EVENTS,
  FIRM,
  newId,
  NOBODY,
  OTHER_FIRM,
  PROJECT,
  type Slug,
  SLUGS,
  useStack,
} from "../support/running-stack.ts";

const LLM = EVENTS["llm-usage"];

describe.each(ENGINES)("reading on %s", (engine) => {
  const ledger = useStack(engine);
  const get = (path: string, headers: Record<string, string | null> = {}) =>
    ledger.post(path, undefined, { method: "GET", headers });

  /** Follows next_cursor to the end of a list. */
  async function pages(path: string, limit: number): Promise<Answer["body"][]> {
    const rows = [];
    let cursor: string | null = "";
    do {
      const { status, body } = await get(
        `${path}&limit=${limit}${cursor ? `&cursor=${cursor}` : ""}`,
      );
      expect(status).toBe(200);
      rows.push(...body.rows);
      cursor = body.has_more ? body.next_cursor : null;
    } while (cursor);
    return rows;
  }

  describe.each(SLUGS)("%s", (slug) => {
    test("returns a row by its id, and 304 for a matching ETag", async () => {
      const { body: row } = await ledger.post(slug, EVENTS[slug]);
      const first = await get(`${slug}/${row.id}`);
      expect(first.status).toBe(200);
      expect(first.body).toEqual(row);
      const etag = first.headers.get("etag")!;
      const again = await get(`${slug}/${row.id}`, { "if-none-match": etag });
      expect([again.status, again.body]).toEqual([304, ""]);
      const other = await get(`${slug}/${row.id}`, { "if-none-match": '"x"' });
      expect(other.status).toBe(200);
      const head = await ledger.post(`${slug}/${row.id}`, undefined, {
        method: "HEAD",
      });
      expect([head.status, head.headers.get("etag"), head.body]).toEqual([
        200,
        etag,
        "",
      ]);
    });

    test("answers HEAD with the Content-Length of GET, except for exports", async () => {
      const { body: row } = await ledger.post(slug, EVENTS[slug]);
      const lengthOf = (path: string, method: string, accept: string) =>
        fetch(`${ledger.stack.url}/functions/v1/${path}`, {
          method,
          headers: { apikey: ledger.stack.secretKey, accept },
        }).then(async (response) => ({
          stated: response.headers.get("content-length"),
          read: (await response.bytes()).length,
        }));
      for (
        const path of [
          `${slug}/${row.id}`,
          `${slug}/nonsense`,
          `${slug}?limit=1`,
          `${slug}/summary?from=2026-01-01&to=2026-01-02`,
          `${slug}/openapi.json`,
        ]
      ) {
        const { read } = await lengthOf(path, "GET", "application/json");
        expect(read).toBeGreaterThan(0);
        expect(await lengthOf(path, "HEAD", "application/json"))
          .toEqual({ stated: String(read), read: 0 });
      }
      expect(await lengthOf(slug, "HEAD", "text/csv"))
        .toEqual({ stated: null, read: 0 });
    });

    test.each([NOBODY, "nonsense", "1"])(
      "answers 404 to the id %s",
      async (id) => {
        const { status, body } = await get(`${slug}/${id}`);
        expect([status, body.code]).toEqual([404, "not_found"]);
      },
    );

    test("lists newest first and pages without gap or repetition", async () => {
      await ledger.post(slug, Array(25).fill(EVENTS[slug]));
      const all = await get(`${slug}?limit=1000`);
      expect(all.body.has_more).toBe(false);
      expect(all.body.next_cursor).toBeNull();
      const time = slug === "model-usage" ? "captured_at" : "created_at";
      const keys = all.body.rows.map((row: Answer["body"]) =>
        `${row[time]} ${row.id}`
      );
      expect(keys).toEqual([...keys].sort().reverse());
      expect(await pages(`${slug}?order=desc`, 7)).toEqual(all.body.rows);
      // Rows after a transaction that is still open, in any database of
      // the server, are not listed in this order yet.
      await expect.poll(() => pages(`${slug}?order=asc`, 7), {
        timeout: 20_000,
      }).toEqual([...all.body.rows].reverse());
    });

    test("answers 400 to unknown and invalid parameters and names them", async () => {
      for (
        const [query, name] of [
          ["colour=red", "colour"],
          ["limit=0", "limit"],
          ["limit=1001", "limit"],
          ["limit=ten", "limit"],
          ["limit=1&limit=2", "limit"],
          ["order=up", "order"],
          ["cursor=nonsense", "cursor"],
          ["from=yesterday", "from"],
          ["from=2026-02-01&to=2026-01-01", "to"],
        ]
      ) {
        const { status, body } = await get(`${slug}?${query}`);
        expect([query, status]).toEqual([query, 400]);
        expect(body.detail).toContain(`query parameter ${name} `);
      }
    });
  });

  test("a page has a Link header to the next one", async () => {
    await ledger.post("llm-usage", Array(3).fill(LLM));
    const { headers, body } = await get("llm-usage?limit=2&success=true");
    const [, path] = /^<(.*)>; rel="next"$/.exec(headers.get("link")!)!;
    const next = await fetch(new URL(path, ledger.stack.url), {
      headers: { apikey: ledger.stack.secretKey },
    });
    const { rows } = await next.json();
    expect(rows[0].id).not.toBe(body.rows[1].id);
    expect(new URL(path, ledger.stack.url).searchParams.get("cursor"))
      .toBe(body.next_cursor);
  });

  test("a cursor is valid for its own query only", async () => {
    const { body } = await get("llm-usage?limit=1");
    for (const query of ["order=asc", "model=x"]) {
      const { status } = await get(
        `llm-usage?${query}&cursor=${body.next_cursor}`,
      );
      expect(status).toBe(400);
    }
    const changed = body.next_cursor.replace(
      /^./,
      (c: string) => c === "A" ? "B" : "A",
    );
    expect((await get(`llm-usage?cursor=${changed}`)).status).toBe(400);
  });

  test("in ascending order, the last cursor returns each new row once", async () => {
    const model = newId();
    const events = () => Array(5).fill({ ...LLM, model });
    // A transaction that is open in any database of the server delays rows.
    const untilThere = (query: string, count: number) =>
      vi.waitUntil(async () => {
        const answer = await get(query);
        return answer.body.rows.length >= count && answer;
      }, { timeout: 20_000 });
    await ledger.post("llm-usage", events());
    let { body } = await untilThere(`llm-usage?model=${model}&order=asc`, 5);
    expect(body.rows).toHaveLength(5);
    for (const late of ["2026-01-01T00:00:00Z", undefined]) {
      const empty = await get(
        `llm-usage?model=${model}&order=asc&cursor=${body.next_cursor}`,
      );
      expect(empty.body).toMatchObject({ rows: [], has_more: false });
      // An event that arrives late is new, too.
      const minutesAgo = new Date(Date.now() - 10 * 60_000).toISOString();
      const event = {
        ...LLM,
        model,
        id: newId(),
        created_at: late && minutesAgo,
      };
      await ledger.post("llm-usage", event);
      ({ body } = await untilThere(
        `llm-usage?model=${model}&order=asc&cursor=${empty.body.next_cursor}`,
        1,
      ));
      expect(body.rows.map((row: { id: string }) => row.id)).toEqual([
        event.id,
      ]);
    }
  });

  describe("filters", () => {
    const model = newId();
    beforeAll(async () => {
      const event = { ...LLM, model };
      await ledger.post("llm-usage", [
        { ...event, created_at: "2026-01-01T00:00:00Z", cost_usd: "0.000001" },
        {
          ...event,
          created_at: "2026-01-02T00:00:00Z",
          cost_usd: "0.5",
          task_type: "fallback",
        },
        {
          ...event,
          created_at: "2026-01-03T00:00:00Z",
          cost_usd: "1",
          success: false,
          cma_project_id: PROJECT,
        },
        {
          ...event,
          firm_id: OTHER_FIRM,
          created_at: "2026-01-04T00:00:00.000001Z",
        },
      ]);
      await ledger.post(
        "model-usage",
        [true, false].map((config_matches_reported) => ({
          ...EVENTS["model-usage"],
          session_id: model,
          config_matches_reported,
        })),
      );
    });

    test.each([
      ["", 4],
      ["from=2026-01-02", 3],
      ["from=2026-01-02T00:00:00%2B00:00&to=2026-01-03", 1],
      ["to=2026-01-04T00:00:00.000001Z", 3],
      ["to=2026-01-04T00:00:00.000002Z", 4],
      ["success=false", 1],
      ["task_type=fallback", 1],
      ["task_type=fallback&task_type=extraction", 4],
      ["min_cost_usd=0.5", 2],
      [`firm_id=${OTHER_FIRM}`, 1],
      [`firm_id=${OTHER_FIRM}&firm_id=${FIRM}`, 4],
      [`cma_project_id=${PROJECT}`, 1],
      [`firm_id=${NOBODY}`, 0],
    ])("?%s finds %d", async (query, count) => {
      const { body } = await get(`llm-usage?model=${model}&${query}`);
      expect(body.rows).toHaveLength(count);
    });

    test("config_matches_reported=false finds the sub-agents that ran another model", async () => {
      const { body } = await get(
        `model-usage?session_id=${model}&config_matches_reported=false`,
      );
      expect(body.rows).toHaveLength(1);
    });

    test.each([
      ["llm-usage", "firm_id=1", "firm_id"],
      ["llm-usage", "success=maybe", "success"],
      ["llm-usage", "task_type=x", "task_type"],
      ["llm-usage", "min_cost_usd=1e9", "min_cost_usd"],
      ["llm-usage", "created_at=2026-01-01", "created_at"],
      ["audit", "entity_id=x", "entity_id"],
      ["tool-usage", "success=true", "success"],
    ] as [Slug, string, string][])(
      "%s?%s gets 400 with the name of the parameter",
      async (slug, query, name) => {
        const { status, body } = await get(`${slug}?${query}`);
        expect(status).toBe(400);
        expect(body.detail).toContain(name);
      },
    );
  });

  test("answers 406 to an unsupported format", async () => {
    const { status, body } = await get("audit", { accept: "application/xml" });
    expect(status).toBe(406);
    expect(body.detail).toContain("text/csv");
  });

  test("exports all rows as NDJSON and as CSV, beyond one page", async () => {
    const model = newId();
    for (let batch = 0; batch < 3; batch++) {
      await ledger.post("llm-usage", Array(700).fill({ ...LLM, model }));
    }
    const lines = await get(`llm-usage?model=${model}`, {
      accept: "application/x-ndjson",
    });
    const rows = lines.body.trim().split("\n").map((line: string) =>
      JSON.parse(line)
    );
    expect(new Set(rows.map((row: { id: string }) => row.id)).size).toBe(2100);
    const csv = await get(`llm-usage?model=${model}&order=asc`, {
      accept: "text/csv",
    });
    expect(csv.headers.get("content-type")).toContain("text/csv");
    const records = csv.body.trim().split("\r\n");
    expect(records[0]).toBe(Object.keys(rows[0]).join(","));
    expect(records).toHaveLength(2101);
    const limited = await get(`llm-usage?model=${model}&limit=1500`, {
      accept: "text/csv",
    });
    expect(limited.body.trim().split("\r\n")).toHaveLength(1501);
  });

  test("a CSV export escapes formulas and keeps quotes, line breaks and nested objects", async () => {
    const session_id = newId();
    await ledger.post("model-usage", {
      ...EVENTS["model-usage"],
      session_id,
      sd_id: '=HYPERLINK("http://x")',
      subagent_type: 'a "b", c\r\nd',
      metadata: { a: { b: 1 } },
    });
    const { body } = await get(`model-usage?session_id=${session_id}`, {
      accept: "text/csv",
    });
    expect(body).toContain(`"'=HYPERLINK(""http://x"")"`);
    expect(body).toContain('"a ""b"", c\r\nd"');
    expect(body).toContain('"{""a"":{""b"":1}}"');
    const lines = await get(`model-usage?session_id=${session_id}`, {
      accept: "application/x-ndjson",
    });
    expect(JSON.parse(lines.body).metadata).toEqual({ a: { b: 1 } });
  });
});
