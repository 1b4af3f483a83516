/**
 * A user's answers do not depend on rows that the user may not read: two worlds that
 * differ only in rows of other firms answer every request of the user alike.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { eventId } from "../../shared/ingest/ids.ts";
import {
  EVENTS,
  FIRM,
  newId,
  NOBODY,
  OTHER_FIRM,
  OTHER_USER,
  type RunningStack,
  USER,
  useStack,
} from "../support/running-stack.ts";
import { createRandom } from "../support/seeded-random.ts";

const SERVICE = { kind: "service", keyName: "default" } as const;

const HIDDEN = {
  firm_id: OTHER_FIRM,
  action: "terminate_employee",
  entity_type: "hr_case",
  metadata: { file_count: 7, note_ref: "confidential" },
  ip_address: "203.0.113.9",
};

const RECEIPT = { headers: { prefer: "return=receipt" } };

/** Posts of a user that know more of a hidden row than any outsider should. */
const GUESSES: [string, object][] = [
  ["other content", { firm_id: OTHER_FIRM, action: "x", entity_type: "y" }],
  ["the same content", { ...HIDDEN, ip_address: undefined }],
  ["no firm", { ...HIDDEN, firm_id: undefined, ip_address: undefined }],
  ["the own firm", { ...HIDDEN, firm_id: FIRM, ip_address: undefined }],
  ["a firm that does not exist", {
    ...HIDDEN,
    firm_id: newId(),
    ip_address: undefined,
  }],
];

describe("a row of another firm", () => {
  const ledger = useStack("PostgreSQL 17");

  /** Ids of two hidden rows: one that was sent, and one of an Idempotency-Key. */
  async function hideRows(): Promise<string[]> {
    const sent = newId();
    const key = newId();
    await ledger.post("audit", { ...HIDDEN, id: sent });
    const { body } = await ledger.post("audit", HIDDEN, {
      headers: { "idempotency-key": key },
    });
    const derived = await eventId(
      key,
      { log: "audit_log", caller: SERVICE },
      0,
    );
    expect(body.id).toBe(derived);
    return [sent, derived];
  }

  /** An answer without what differs from row to row. */
  const shape = ({ status, body }: { status: number; body: unknown }) => ({
    status,
    body: JSON.stringify(
      body,
      (key, value) =>
        ["id", "created_at", "receipt", "request_id"].includes(key)
          ? typeof value
          : value,
    ),
  });

  test.each(GUESSES)(
    "answers a guess with %s as an unused id does",
    async (_name, guess) => {
      for (const user of [USER, NOBODY]) {
        for (const id of await hideRows()) {
          const [hit, miss] = await Promise.all(
            [id, newId()].map((id) =>
              ledger.postAs(user, "audit", { ...guess, id }, RECEIPT)
            ),
          );
          expect(shape(hit)).toEqual(shape(miss));
          expect(JSON.stringify(hit.body)).not.toContain("203.0.113.9");
        }
      }
    },
  );

  test("answers as an unused id does in a batch, atomic or not", async () => {
    const guesses = GUESSES.map(([, guess]) => guess);
    const [id] = await hideRows();
    for (const query of ["", "?atomic=true"]) {
      const [hit, miss] = await Promise.all(
        [() => id, newId].map((id) =>
          ledger.postAs(
            USER,
            "audit",
            guesses.slice(0, 2).map((guess) => ({ ...guess, id: id() })),
            { query, ...RECEIPT },
          )
        ),
      );
      expect(shape(hit)).toEqual(shape(miss));
    }
  });

  test("is not found by its id, nor is its proof", async () => {
    const token = await ledger.stack.signUserToken(USER);
    const [id] = await hideRows();
    for (
      const path of [`audit/${id}`, `ledger/proof/audit/${id}`]
    ) {
      const response = await fetch(`${ledger.stack.url}/functions/v1/${path}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      await response.body?.cancel();
      expect([path, response.status]).toEqual([path, 404]);
    }
  });

  test("gives a user who belongs to no firm 403 for every id", async () => {
    for (const id of [...await hideRows(), newId()]) {
      const { status, body } = await ledger.postAs(NOBODY, "audit", {
        ...HIDDEN,
        ip_address: undefined,
        id,
      }, RECEIPT);
      expect([status, body.code]).toEqual([403, "no_firm"]);
    }
  });
});

describe("ids that users choose", () => {
  const ledger = useStack("PostgreSQL 17");
  const { firm_id: _, ...event } = EVENTS.audit;

  test("name the user's event again, and are found by the user", async () => {
    const id = newId();
    const first = await ledger.postAs(USER, "audit", { ...event, id });
    const again = await ledger.postAs(USER, "audit", { ...event, id });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual(first.body);
    const token = await ledger.stack.signUserToken(USER);
    for (const name of [id, id.toUpperCase(), first.body.id]) {
      const response = await fetch(
        `${ledger.stack.url}/functions/v1/audit/${name}`,
        { headers: { authorization: `Bearer ${token}` } },
      );
      expect(await response.json()).toEqual(first.body);
    }
  });

  test.each(["audit", "model-usage"] as const)(
    "of %s cannot be taken from a service, neither sent nor derived",
    async (slug) => {
      const { firm_id: _, ...own } = { firm_id: null, ...EVENTS[slug] };
      const key = newId();
      const log =
        { audit: "audit_log", "model-usage": "model_usage_log" }[slug];
      const derived = await eventId(key, { log, caller: SERVICE }, 0);
      const sent = newId();
      for (const id of [derived, sent]) {
        const squat = await ledger.postAs(USER, slug, { ...own, id });
        expect(squat.status).toBe(201);
        expect(squat.body.id).not.toBe(id);
      }
      const byKey = await ledger.post(slug, EVENTS[slug], {
        headers: { "idempotency-key": key },
      });
      const byId = await ledger.post(slug, { ...EVENTS[slug], id: sent });
      expect([byKey.status, byId.status]).toEqual([201, 201]);
      expect([byKey.body.id, byId.body.id]).toEqual([derived, sent]);
    },
  );

  test("are other rows for another user, with an Idempotency-Key too", async () => {
    const id = newId();
    const headers = { "idempotency-key": newId() };
    const rows = new Set<string>();
    for (const user of [USER, OTHER_USER]) {
      const answers = await Promise.all([
        ledger.postAs(user, "audit", { ...event, id }),
        ledger.postAs(user, "audit", event, { headers }),
      ]);
      for (const { status, body } of answers) {
        expect(status).toBe(201);
        rows.add(body.id);
      }
    }
    expect(rows.size).toBe(4);
  });
});

const SEED = Number(
  Deno.env.get("SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0],
);

describe(`two worlds that differ in rows of other firms (SEED=${SEED})`, () => {
  const plain = useStack("PostgreSQL 17");
  const populated = useStack("PostgreSQL 17");
  const random = createRandom(SEED);
  const pick = <Item>(items: readonly Item[]): Item =>
    items[Math.floor(random() * items.length)];
  const ids = Array.from({ length: 6 }, newId);
  const keys = ["a", "b"];

  /** An event of few values, so that random ones often agree. */
  const randomEvent = (firms: (string | undefined)[]) => ({
    id: pick([...ids, undefined]),
    firm_id: pick(firms),
    action: pick(["approve", "reject"]),
    entity_type: pick(["invoice", "hr_case"]),
    entity_id: pick([undefined, ids[0]]),
    metadata: pick([undefined, { file_count: 1 }]),
  });

  beforeAll(async () => {
    for (let count = 0; count < 40; count++) {
      const { id = newId(), ...event } = randomEvent([OTHER_FIRM]);
      const other = { ...event, user_id: pick([undefined, OTHER_USER]) };
      await populated.post("audit", { ...other, id });
      await populated.post("audit", other, {
        headers: { "idempotency-key": pick(keys) },
      });
      const { firm_id: _, ...own } = event;
      await populated.postAs(OTHER_USER, "audit", { ...own, id });
    }
  }, 60_000);

  /** What differs between any two databases: times, and hashes with random salts. */
  const comparable = async (response: Response) => [
    response.status,
    (await response.text())
      .replaceAll(/"(created_at|instance|next_cursor)":"[^"]*"/g, '"$1":""')
      .replaceAll(/[0-9a-f]{64}|[0-9a-f]{32}(?=")/g, "hash"),
  ];

  const send = async (world: RunningStack, path: string, init: RequestInit) => {
    const token = await world.stack.signUserToken(
      (init.headers as Record<string, string>)["x-test-user"],
    );
    return await fetch(`${world.stack.url}/functions/v1/${path}`, {
      ...init,
      headers: {
        ...init.headers,
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
      },
    });
  };

  test("answer random requests of a user alike", async () => {
    for (let count = 0; count < 150; count++) {
      const user = pick([USER, USER, NOBODY]);
      const headers: Record<string, string> = {
        "x-test-user": user,
        ...pick<Record<string, string>>([{}, RECEIPT.headers]),
      };
      const key = pick(keys);
      const batch = Array.from(
        { length: pick([1, 1, 2, 5]) },
        () => randomEvent([undefined, FIRM, OTHER_FIRM, ids[1]]),
      );
      const [path, init] = pick<[string, RequestInit]>([
        ...Array.from({ length: 4 }, (): [string, RequestInit] => [
          `audit${batch.length > 1 ? pick(["", "?atomic=true"]) : ""}`,
          {
            method: "POST",
            // Without a key, the server makes random ids.
            headers: { ...headers, "idempotency-key": key },
            body: JSON.stringify(batch.length > 1 ? batch : batch[0]),
          },
        ]),
        [`audit/${pick(ids)}`, { headers }],
        [`ledger/proof/audit/${pick(ids)}`, { headers }],
        ["audit?limit=50", { headers }],
        [
          "audit/summary?from=2020-01-01&to=2020-12-31&group_by=action",
          { headers },
        ],
        ["llm-usage/budget", { headers }],
      ]);
      const [one, two] = await Promise.all(
        [plain, populated].map((world) => send(world, path, init)),
      );
      expect(await comparable(two), `request ${count}: ${path}`).toEqual(
        await comparable(one),
      );
    }
  }, 120_000);
});
