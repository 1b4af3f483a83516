import { beforeEach, describe, expect, test } from "vitest";
import {
  FIRM,
  newId,
  OTHER_FIRM,
  OTHER_PROJECT,
  SERVER_ONLY,
  USER,
  useStack,
} from "../support/running-stack.ts";
import { makeEvent, type Members } from "../support/stack-prices.ts";

describe.each(SERVER_ONLY)("reservations on %s", (engine) => {
  const ledger = useStack(engine);
  /** A firm with a budget of 10 dollars, new for each test. */
  let firm_id: string;

  const setBudget = (budget: Members) =>
    ledger.post("llm-usage/budget", { limit_usd: "10", ...budget });
  const reserve = (amount_usd: unknown, more: Members = {}, headers = {}) =>
    ledger.post("llm-usage/reserve", { firm_id, amount_usd, ...more }, {
      headers,
    });
  /** A call that settles a reservation. */
  const settle = (reservation_id: string, event: Members = {}) =>
    makeEvent({
      firm_id,
      input_tokens: 1,
      output_tokens: 1,
      cost_usd: "1",
      reservation_id,
      created_at: undefined,
      ...event,
    });
  const record = (body: unknown, query = "") =>
    ledger.post("llm-usage", body, { query });
  const budgetsOf = async (firm = firm_id) => {
    const path = `llm-usage/budget?firm_id=${firm}`;
    return (await ledger.post(path, undefined, { method: "GET" })).body.budgets;
  };
  const codesOf = ({ warnings }: { warnings?: { code: string }[] }) =>
    warnings?.map(({ code }) => code);

  beforeEach(async () => {
    firm_id = newId();
    await ledger.admin().from("firms").insert({ id: firm_id, name: "Firm" });
    await setBudget({ firm_id });
  });

  test("hold an amount until a call settles it at its cost", async () => {
    const before = Date.now();
    const { status, body } = await reserve("4");
    expect([status, body]).toEqual([201, {
      reservation_id: expect.any(String),
      expires_at: expect.any(String),
      budgets: [expect.objectContaining({
        spent_usd: "0",
        reserved_usd: "4",
        left_usd: "6",
      })],
    }]);
    const created = Date.parse(body.expires_at) - 600_000;
    expect(created).toBeGreaterThanOrEqual(before);
    expect(created).toBeLessThanOrEqual(Date.now());
    const { body: event } = await record(settle(body.reservation_id));
    expect(event).toMatchObject({ reservation_id: body.reservation_id });
    expect(event).not.toHaveProperty("warnings");
    expect(await budgetsOf()).toMatchObject([
      { spent_usd: "1", reserved_usd: "0", left_usd: "9" },
    ]);
  });

  test("are refused above the remaining budget, to the micro-dollar", async () => {
    expect((await reserve("9.999999")).status).toBe(201);
    const refused = await reserve("0.000002");
    expect([refused.status, refused.body.code])
      .toEqual([402, "budget_exceeded"]);
    expect((await reserve(0.000001)).status).toBe(201);
    expect(await budgetsOf())
      .toMatchObject([{ reserved_usd: "10", left_usd: "0" }]);
  });

  test("are idempotent", async () => {
    const reservation_id = newId();
    const first = await reserve("4", { reservation_id });
    const again = await reserve("4.00", { reservation_id });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual(first.body);
    const other = await reserve("5", { reservation_id });
    expect([other.status, other.body.code]).toEqual([409, "conflict"]);
    const headers = { "idempotency-key": newId() };
    const keyed = await reserve("1", {}, headers);
    const retried = await reserve("1", {}, headers);
    expect([keyed.status, retried.status]).toEqual([201, 200]);
    expect(retried.body.reservation_id).toBe(keyed.body.reservation_id);
    expect(await budgetsOf()).toMatchObject([{ reserved_usd: "5" }]);
    await record(settle(reservation_id));
    const settled = await reserve("4", { reservation_id });
    expect([settled.status, settled.body.code]).toEqual([409, "conflict"]);
    expect(await budgetsOf()).toMatchObject([{ reserved_usd: "1" }]);
  });

  test("release their amount when they expire", async () => {
    const expires_in = 2;
    const reservation_id = newId();
    const { body } = await reserve("4", { expires_in });
    await reserve("6", { expires_in, reservation_id });
    expect((await reserve("1")).status).toBe(402);
    const reserved = async () => (await budgetsOf())[0].reserved_usd;
    await expect.poll(reserved, { timeout: 10_000 }).toBe("0");

    const late = await record(settle(body.reservation_id));
    expect([late.status, codesOf(late.body)])
      .toEqual([201, ["reservation_not_open"]]);
    expect((await reserve("6", { reservation_id })).status).toBe(201);
    expect((await reserve("3.000001")).status).toBe(402);
    expect(await budgetsOf()).toMatchObject([
      { spent_usd: "1", reserved_usd: "6", left_usd: "3" },
    ]);
  });

  test("are settled once by an event and its retry", async () => {
    const { body } = await reserve("4");
    const event = settle(body.reservation_id, { id: newId() });
    expect((await record(event)).status).toBe(201);
    const retry = await record(event);
    expect([retry.status, codesOf(retry.body)]).toEqual([200, undefined]);
    expect(await budgetsOf())
      .toMatchObject([{ spent_usd: "1", call_count: 1 }]);
    const second = await record(settle(body.reservation_id));
    expect([second.status, codesOf(second.body)])
      .toEqual([201, ["reservation_not_open"]]);
  });

  test("are settled by the first of two events of a batch", async () => {
    const { body } = await reserve("4");
    const events = [settle(body.reservation_id), settle(body.reservation_id)];
    expect((await record(events)).body.results.map(codesOf))
      .toEqual([undefined, ["reservation_not_open"]]);
  });

  test("that do not exist cause a warning, and the call is recorded", async () => {
    const { status, body } = await record(settle(newId()));
    expect([status, codesOf(body)]).toEqual([201, ["reservation_not_open"]]);
    expect(await budgetsOf()).toMatchObject([{ spent_usd: "1" }]);
  });

  test("stay open when an atomic batch fails", async () => {
    const { body } = await reserve("4");
    const failed = await record([
      settle(body.reservation_id),
      settle(newId(), { cma_project_id: OTHER_PROJECT }),
    ], "?atomic=true");
    expect([failed.status, failed.body.recorded]).toEqual([422, 0]);
    expect(await budgetsOf())
      .toMatchObject([{ spent_usd: "0", reserved_usd: "4" }]);
    const { body: settled } = await record(settle(body.reservation_id));
    expect(codesOf(settled)).toBeUndefined();
  });

  test("hold in every budget of the call, or in none", async () => {
    const project = { firm_id: OTHER_FIRM, cma_project_id: OTHER_PROJECT };
    await setBudget({ firm_id: OTHER_FIRM });
    await setBudget({ ...project, limit_usd: "3" });
    const { body } = await reserve("2", project);
    expect(body.budgets).toMatchObject([
      { cma_project_id: null, reserved_usd: "2" },
      { cma_project_id: OTHER_PROJECT, reserved_usd: "2", left_usd: "1" },
    ]);
    expect((await reserve("2", project)).status).toBe(402);
    expect((await reserve("8", { firm_id: OTHER_FIRM })).status).toBe(201);
    expect(await budgetsOf(OTHER_FIRM)).toMatchObject([
      { cma_project_id: null, reserved_usd: "10" },
      { cma_project_id: OTHER_PROJECT, reserved_usd: "2" },
    ]);
    await record(settle(body.reservation_id, project));
    expect(await budgetsOf(OTHER_FIRM)).toMatchObject([
      { spent_usd: "1", reserved_usd: "8" },
      { spent_usd: "1", reserved_usd: "0" },
    ]);
  });

  test("of a firm are not settled by another firm's call", async () => {
    const { body } = await reserve("4");
    const foreign = settle(body.reservation_id, { firm_id: FIRM });
    expect(codesOf((await record(foreign)).body))
      .toEqual(["reservation_not_open"]);
    expect(await budgetsOf()).toMatchObject([{ reserved_usd: "4" }]);
    const own = await record(settle(body.reservation_id));
    expect(codesOf(own.body)).toBeUndefined();
    expect(await budgetsOf()).toMatchObject([{ reserved_usd: "0" }]);
  });

  test("count in a budget that replaces theirs", async () => {
    const { body } = await reserve("4");
    await setBudget({ firm_id, limit_usd: "5" });
    expect(await budgetsOf())
      .toMatchObject([{ reserved_usd: "4", left_usd: "1" }]);
    expect((await reserve("2")).status).toBe(402);
    await record(settle(body.reservation_id));
    expect(await budgetsOf())
      .toMatchObject([{ spent_usd: "1", reserved_usd: "0", left_usd: "4" }]);
  });

  test("are for services alone, and for firms with a budget", async () => {
    const user = await ledger.postAs(USER, "llm-usage/reserve", {
      firm_id: FIRM,
      amount_usd: "1",
    });
    expect([user.status, user.body.code]).toEqual([403, "not_allowed"]);
    const none = await reserve("1", { firm_id: FIRM });
    expect([none.status, none.body.code]).toEqual([404, "not_found"]);
  });

  test.each<[string, Members, string]>([
    ["an amount of zero", { amount_usd: "0" }, "/amount_usd"],
    ["an amount with an exponent", { amount_usd: "1e2" }, "/amount_usd"],
    ["an expires_in of zero", { expires_in: 0 }, "/expires_in"],
    ["an expires_in of more than a day", { expires_in: 86_401 }, "/expires_in"],
    [
      "another firm's project",
      { cma_project_id: OTHER_PROJECT },
      "/cma_project_id",
    ],
  ])("with %s get 422 with its pointer", async (_, members, pointer) => {
    const { status, body } = await reserve("1", members);
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([{ pointer }]);
    expect(await budgetsOf()).toMatchObject([{ reserved_usd: "0" }]);
  });
});

describe.each(SERVER_ONLY)("without any budget on %s", (engine) => {
  const ledger = useStack(engine);

  test("an event with a reservation_id gets a warning", async () => {
    const { status, body } = await ledger.post(
      "llm-usage",
      makeEvent({
        input_tokens: 1,
        output_tokens: 1,
        cost_usd: "1",
        reservation_id: newId(),
      }),
    );
    expect(status).toBe(201);
    expect(body.warnings).toMatchObject([{ code: "reservation_not_open" }]);
  });
});
