import { describe, expect, test } from "vitest";
import {
  ENGINES,
  EVENTS,
  FIRM,
  newId,
  NOBODY,
  OTHER_FIRM,
  OTHER_USER,
  USER,
  useStack,
} from "../support/running-stack.ts";

const { firm_id: _firm, ...OWN } = EVENTS.audit;

describe.each(ENGINES)("writes of users on %s", (engine) => {
  const ledger = useStack(engine);

  test("audit: the row has the user's id, their firm and their IP address", async () => {
    const { status, body } = await ledger.postAs(USER, "audit", OWN, {
      headers: {
        "x-forwarded-for": "203.0.113.9",
        "cf-connecting-ip": "203.0.113.9",
      },
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      firm_id: FIRM,
      user_id: USER,
      ip_address: "127.0.0.1",
    });
  });

  test("audit: a user may name their own firm and no other", async () => {
    const own = await ledger.postAs(USER, "audit", { ...OWN, firm_id: FIRM });
    expect(own.status).toBe(201);
    const other = await ledger.postAs(USER, "audit", {
      ...OWN,
      firm_id: OTHER_FIRM,
    });
    expect(other.status).toBe(422);
    expect(other.body.errors).toEqual([
      expect.objectContaining({ pointer: "/firm_id", code: "other_firm" }),
    ]);
  });

  test.each([
    ["user_id", OTHER_USER],
    ["ip_address", "203.0.113.9"],
    ["created_at", "2020-01-01T00:00:00Z"],
  ])("audit: a user may not set %s", async (column, value) => {
    const { status, body } = await ledger.postAs(USER, "audit", {
      ...OWN,
      [column]: value,
    });
    expect(status).toBe(422);
    expect(body.errors).toEqual([
      expect.objectContaining({ pointer: `/${column}`, code: "not_allowed" }),
    ]);
  });

  test("audit: a user who belongs to no firm gets 403", async () => {
    const { status, body } = await ledger.postAs(NOBODY, "audit", OWN);
    expect(status).toBe(403);
    expect(body.code).toBe("no_firm");
  });

  test("audit: a retry that names the firm is a duplicate", async () => {
    const event = { ...OWN, id: newId() };
    const first = await ledger.postAs(USER, "audit", event);
    const again = await ledger.postAs(USER, "audit", {
      ...event,
      firm_id: FIRM,
    });
    expect([first.status, again.status]).toEqual([201, 200]);
    const changed = await ledger.postAs(USER, "audit", {
      ...event,
      action: "x",
    });
    expect(changed.body.fields).toEqual(["action"]);
  });

  test("audit: the id of another firm's row is a conflict without details", async () => {
    const event = { ...OWN, id: newId(), metadata: { file_count: 1 } };
    const theirs = await ledger.postAs(OTHER_USER, "audit", event);
    const { status, body } = await ledger.postAs(USER, "audit", event);
    expect(status).toBe(201);
    expect(body.id).not.toBe(theirs.body.id);
    expect(await ledger.rows("audit_log", { id: theirs.body.id }))
      .toMatchObject([{ firm_id: OTHER_FIRM, user_id: OTHER_USER }]);
  });

  test("model-usage: any user may write, but may not set captured_at", async () => {
    const { status } = await ledger.postAs(
      NOBODY,
      "model-usage",
      EVENTS["model-usage"],
    );
    expect(status).toBe(201);
    const timed = await ledger.postAs(USER, "model-usage", {
      ...EVENTS["model-usage"],
      captured_at: "2026-01-01T00:00:00Z",
    });
    expect(timed.body.errors).toEqual([
      expect.objectContaining({ pointer: "/captured_at", code: "not_allowed" }),
    ]);
  });

  test("a service may attribute an event to a user of another firm", async () => {
    const { status } = await ledger.post("audit", {
      ...EVENTS.audit,
      user_id: OTHER_USER,
    });
    expect(status).toBe(201);
  });
});
