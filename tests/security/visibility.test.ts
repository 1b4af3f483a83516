import { beforeAll, describe, expect, test, vi } from "vitest";
import {
  type Answer,
  EVENTS,
  FIRM,
  newId,
  NOBODY,
  OTHER_FIRM,
  OTHER_PROJECT,
  OTHER_USER,
  PROJECT,
  SERVER_ONLY,
  type Slug,
  SLUGS,
  USER,
  useStack,
} from "../support/running-stack.ts";

/** The callers, and which of two rows (the first firm's, the second firm's) each may read. */
const READERS = [
  "a service",
  "a member of the first firm",
  "a member of the second firm",
  "the chairman",
  "a user without a firm",
] as const;
type Reader = (typeof READERS)[number];
const BY_FIRM: Record<Reader, [boolean, boolean]> = {
  "a service": [true, true],
  "a member of the first firm": [true, false],
  "a member of the second firm": [false, true],
  "the chairman": [true, false],
  "a user without a firm": [false, false],
};
const VISIBLE: Record<Slug, Record<Reader, [boolean, boolean]>> = {
  "llm-usage": BY_FIRM,
  "audit": BY_FIRM,
  "tool-usage": {
    "a service": [true, true],
    "a member of the first firm": [false, false],
    "a member of the second firm": [false, false],
    "the chairman": [true, true],
    "a user without a firm": [false, false],
  },
  "model-usage": {
    "a service": [true, true],
    "a member of the first firm": [true, true],
    "a member of the second firm": [true, true],
    "the chairman": [true, true],
    "a user without a firm": [true, true],
  },
};
/** Responses with one request id can be compared. */
const SAME_ID = { "x-request-id": "same" };
const RANGE = "from=2026-01-01&to=2026-12-31";
const CASES = SLUGS.flatMap((slug) =>
  READERS.map((reader) => ({ slug, reader }))
);

describe.each(SERVER_ONLY)("visibility of rows on %s", (engine) => {
  const ledger = useStack(engine);
  const ids = {} as Record<Slug, [string, string]>;

  async function ask(
    reader: Reader,
    path: string,
    more: Record<string, string> = {},
  ): Promise<Answer> {
    const users: Partial<Record<Reader, [string, string?]>> = {
      "a member of the first firm": [USER],
      "a member of the second firm": [OTHER_USER],
      "the chairman": [USER, "chairman"],
      "a user without a firm": [NOBODY],
    };
    const headers: Record<string, string | null> = { ...more };
    const user = users[reader];
    if (user) {
      const token = await ledger.stack.signUserToken(user[0], {
        role: user[1],
      });
      headers.apikey = null;
      headers.authorization = `Bearer ${token}`;
    }
    return await ledger.post(path, undefined, { method: "GET", headers });
  }

  beforeAll(async () => {
    const time = { created_at: "2026-06-01T00:00:00Z" };
    for (const slug of SLUGS) {
      const shared = {
        ...EVENTS[slug],
        ...(slug === "model-usage" ? { captured_at: time.created_at } : time),
      };
      ids[slug] = [newId(), newId()];
      const events = ids[slug].map((id, index) => ({
        ...shared,
        id,
        ...("firm_id" in shared && { firm_id: [FIRM, OTHER_FIRM][index] }),
        ...(slug === "llm-usage" && {
          cma_project_id: [PROJECT, OTHER_PROJECT][index],
          model: ["first", "second"][index],
        }),
      }));
      const { status } = await ledger.post(slug, events);
      expect(status).toBe(201);
      // A feed shows rows once the transactions before them have ended, which other tests
      // have on this server.
      await vi.waitFor(async () => {
        const accept = "text/csv";
        const feed = await ask("a service", `${slug}?order=asc`, { accept });
        expect(found(slug, feed.body)).toEqual([...ids[slug]].sort());
      }, { timeout: 20_000 });
    }
  });

  const expectedIds = (slug: Slug, reader: Reader) =>
    ids[slug].filter((_id, index) => VISIBLE[slug][reader][index]).sort();
  const found = (slug: Slug, text: string) =>
    ids[slug].filter((id) => text.includes(id)).sort();

  test.each(CASES)(
    "$slug: $reader lists and exports exactly the visible rows",
    async ({ slug, reader }) => {
      for (const order of ["asc", "desc"]) {
        const json = await ask(reader, `${slug}?order=${order}`);
        expect(json.status).toBe(200);
        expect(json.body.rows.map((row: { id: string }) => row.id).sort())
          .toEqual(expectedIds(slug, reader));
        for (const accept of ["text/csv", "application/x-ndjson"]) {
          const text = await ask(reader, `${slug}?order=${order}`, { accept });
          expect(text.status).toBe(200);
          expect(found(slug, text.body)).toEqual(expectedIds(slug, reader));
        }
      }
    },
  );

  test.each(CASES)(
    "$slug: $reader fetches the visible rows, and gets 404 for the others",
    async ({ slug, reader }) => {
      const missing = await ask(reader, `${slug}/${NOBODY}`, SAME_ID);
      for (const [index, id] of ids[slug].entries()) {
        const answer = await ask(reader, `${slug}/${id}`, SAME_ID);
        if (VISIBLE[slug][reader][index]) {
          expect(answer.body.id).toBe(id);
          continue;
        }
        const { body: row, headers } = await ask("a service", `${slug}/${id}`);
        expect(row.id).toBe(id);
        for (const etag of [headers.get("etag")!, "*"]) {
          const again = await ask(reader, `${slug}/${id}`, {
            ...SAME_ID,
            "if-none-match": etag,
          });
          expect(again.status).toBe(404);
        }
        const comparable = ({ status, headers, body }: Answer) => ({
          status,
          body,
          headers: [...headers].filter(([name]) => name !== "date"),
        });
        expect(comparable(answer)).toEqual(comparable(missing));
      }
    },
  );

  test.each(CASES)(
    "$slug: $reader counts exactly the visible rows",
    async ({ slug, reader }) => {
      const count = expectedIds(slug, reader).length;
      for (
        const accept of ["application/json", "text/csv", "application/x-ndjson"]
      ) {
        const { status, body } = await ask(
          reader,
          `${slug}/summary?${RANGE}&group_by=month`,
          { accept },
        );
        expect(status).toBe(200);
        if (accept === "application/json") {
          expect(body.totals.count).toBe(count);
          expect(body.group_count).toBe(count > 0 ? 1 : 0);
        } else if (accept === "application/x-ndjson") {
          expect(JSON.parse(body.trim().split("\n").at(-1)).count).toBe(count);
        } else {
          expect(body.trim().split("\r\n").at(-1))
            .toMatch(new RegExp(`^total,,${count}\\b`));
        }
      }
    },
  );

  test.each(["llm-usage", "audit"] as const)(
    "%s: no filter, group or cursor reaches another firm",
    async (slug) => {
      const reader = "a member of the first firm";
      for (
        const query of [
          `firm_id=${OTHER_FIRM}`,
          slug === "audit"
            ? `entity_id=${OTHER_PROJECT}`
            : `cma_project_id=${OTHER_PROJECT}`,
        ]
      ) {
        const [column] = query.split("=");
        const other = await ask(reader, `${slug}?${query}`);
        const unknown = await ask(reader, `${slug}?${column}=${NOBODY}`);
        expect(other.body).toEqual(unknown.body);
      }
      const groups = await ask(
        reader,
        `${slug}/summary?${RANGE}&group_by=firm_id`,
      );
      expect(
        groups.body.groups.map((group: { firm_id: string }) => group.firm_id),
      ).toEqual([FIRM]);
      const filtered = await ask(
        reader,
        `${slug}/summary?${RANGE}&firm_id=${OTHER_FIRM}`,
      );
      expect(filtered.body.totals.count).toBe(0);
      // The cursor of a caller who sees more rows reveals none of them.
      const page = await ask("a service", `${slug}?limit=1&order=asc`);
      const rest = await ask(
        reader,
        `${slug}?limit=10&order=asc&cursor=${page.body.next_cursor}`,
      );
      expect(JSON.stringify(rest.body)).not.toContain(OTHER_FIRM);
    },
  );

  test("the rows of a member do not change when another firm writes", async () => {
    const reader = "a member of the first firm";
    const look = async () => {
      const list = await ask(reader, "llm-usage?limit=5");
      const summary = await ask(
        reader,
        `llm-usage/summary?${RANGE}&group_by=model,day`,
      );
      return [list.body, summary.body];
    };
    const before = await look();
    await ledger.post(
      "llm-usage",
      Array(10).fill({
        ...EVENTS["llm-usage"],
        firm_id: OTHER_FIRM,
        created_at: "2026-06-01T00:00:00Z",
      }),
    );
    expect(await look()).toEqual(before);
  });

  test.each(SLUGS)(
    "%s: a caller without a credential or with a publishable key gets 401",
    async (slug) => {
      for (const apikey of [null, ledger.stack.publishableKey]) {
        for (const path of ["", `/${ids[slug][0]}`, `/summary?${RANGE}`]) {
          const answer = await ledger.post(`${slug}${path}`, undefined, {
            method: "GET",
            headers: { apikey },
          });
          expect(answer.status).toBe(401);
        }
      }
    },
  );
});
