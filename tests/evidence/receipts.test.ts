import { decodeHex } from "@std/encoding/hex.js";
import { describe, expect, test } from "vitest";
import { commitTo } from "../../scripts/verify/parse-leaf.ts";
import { committedColumns, layouts } from "../../shared/evidence/leaf.ts";
import {
  ENGINES,
  EVENTS,
  newId,
  NOBODY,
  OTHER_USER,
  type Slug,
  SLUGS,
  TABLES,
  USER,
} from "../support/running-stack.ts";
import { useEvidenceStack } from "../support/evidence-stack.ts";
import {
  FULL_EVENTS,
  hashFromReceipt,
  toMembers,
} from "../support/receipts.ts";

describe.each(ENGINES)("receipts on %s", (engine) => {
  const ledger = useEvidenceStack(engine);

  const record = async (slug: Slug) => {
    const { status, body } = await ledger.post(
      slug,
      { ...FULL_EVENTS[slug], id: newId() },
      { headers: { prefer: "return=receipt" } },
    );
    expect(status).toBe(201);
    return body;
  };
  const prefer = { prefer: "return=receipt" };

  test("come with a recorded event and its duplicates, before and after sealing", async () => {
    const event = { ...FULL_EVENTS.audit, id: newId() };
    const first = await ledger.post("audit", event, { headers: prefer });
    expect(first.status).toBe(201);
    expect(first.headers.get("preference-applied")).toBe("return=receipt");
    const { receipt } = first.body;
    expect(receipt).toEqual({
      kind: "row/v1",
      leaf_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      commitments: committedColumns.audit_log.map(() =>
        expect.stringMatching(/^[0-9a-f]{64}$/)
      ),
      salts: committedColumns.audit_log.map(() =>
        expect.stringMatching(/^[0-9a-f]{32}$/)
      ),
    });
    const again = await ledger.post("audit", event, { headers: prefer });
    expect([again.status, again.body.receipt]).toEqual([200, receipt]);
    await ledger.sealAll();
    const later = await ledger.post("audit", event, { headers: prefer });
    expect([later.status, later.body.receipt]).toEqual([200, receipt]);
  });

  test.each(SLUGS)(
    "of %s and the row give the hash of the leaf",
    async (slug) => {
      const body = await record(slug);
      const { receipt, ...row } = body;
      const log = TABLES[slug];
      expect(hashFromReceipt(log, row, receipt)).toBe(receipt.leaf_hash);
    },
  );

  test("do not match a row that is changed in any column", async () => {
    const { receipt, ...row } = await record("audit");
    for (
      const change of [{ action: "x" }, { firm_id: NOBODY }, { id: NOBODY }]
    ) {
      expect(hashFromReceipt("audit_log", { ...row, ...change }, receipt))
        .not.toBe(receipt.leaf_hash);
    }
    const commitments = toMembers("audit_log", { ...row, user_id: OTHER_USER })
      .filter((_, at) => layouts.audit_log[at].committed)
      .map((member, at) => commitTo(decodeHex(receipt.salts[at]), member));
    expect(commitments.map((one, at) => one === receipt.commitments[at]))
      .toEqual([false, true, true, true]);
  });

  test("come with each recorded or duplicate event of a batch", async () => {
    const id = newId();
    await ledger.post("tool-usage", { ...EVENTS["tool-usage"], id });
    const { status, body, headers } = await ledger.post("tool-usage", [
      { ...EVENTS["tool-usage"], id: newId() },
      { ...EVENTS["tool-usage"], id },
      { ...EVENTS["tool-usage"], id, cost_usd: "1" },
      { ...EVENTS["tool-usage"], agent_id: NOBODY },
    ], { headers: prefer });
    expect(status).toBe(207);
    expect(headers.get("preference-applied")).toBe("return=receipt");
    const seen = body.results.map((
      { outcome, receipt }: { outcome: string; receipt?: object },
    ) => [outcome, receipt]);
    const receipt = {
      kind: "row/v1",
      leaf_hash: expect.any(String),
      commitments: [],
      salts: [],
    };
    expect(seen).toEqual([
      ["recorded", receipt],
      ["duplicate", receipt],
      ["conflict", undefined],
      ["rejected", undefined],
    ]);
    expect(
      new Set(
        body.results.slice(0, 2).map((
          one: { receipt: { leaf_hash: string } },
        ) => one.receipt.leaf_hash),
      ).size,
    ).toBe(2);
  });

  test("come with a batch of a thousand events", async () => {
    const { status, body } = await ledger.post(
      "model-usage",
      Array.from({ length: 1_000 }, () => EVENTS["model-usage"]),
      { headers: prefer },
    );
    expect(status).toBe(201);
    const hashes = body.results.map((
      one: { receipt: { leaf_hash: string } },
    ) => one.receipt.leaf_hash);
    expect(new Set(hashes).size).toBe(1_000);
  });

  test("come with a user's event", async () => {
    const { status, body } = await ledger.postAs(USER, "audit", {
      id: newId(),
      action: "upload_file",
      entity_type: "cma_project",
      metadata: { file_count: 1 },
    }, { headers: prefer });
    expect(status).toBe(201);
    const { receipt, ...row } = body;
    expect(hashFromReceipt("audit_log", row, receipt))
      .toBe(receipt.leaf_hash);
  });

  test.each([
    ["return=receipt", true],
    ["Return=Receipt", true],
    ['return = "receipt"', true],
    ["respond-async, return=receipt; x=1", true],
    ["return=minimal", false],
    ["return=receipts", false],
    ["handling=lenient; return=receipt", false],
    [null, false],
  ])(
    "need return=receipt: Prefer %s",
    async (header, wanted) => {
      const { status, body, headers } = await ledger.post(
        "audit",
        { ...EVENTS.audit, id: newId() },
        { headers: { prefer: header } },
      );
      expect(status).toBe(201);
      expect("receipt" in body).toBe(wanted);
      expect(headers.has("preference-applied")).toBe(wanted);
    },
  );

  test("do not come with a rejected event", async () => {
    const { status, body, headers } = await ledger.post(
      "audit",
      { ...EVENTS.audit, action: 1 },
      { headers: prefer },
    );
    expect(status).toBe(422);
    expect(body).not.toHaveProperty("receipt");
    expect(headers.has("preference-applied")).toBe(false);
  });
});

test("the events of these tests fill every committed column but those of users", () => {
  for (const slug of SLUGS) {
    const filled = committedColumns[TABLES[slug]].map(({ name }) => name)
      .filter((name) => FULL_EVENTS[slug][name] === undefined);
    expect(filled).toEqual(slug === "audit" ? ["ip_address"] : []);
  }
});
