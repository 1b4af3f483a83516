import { describe, expect, test } from "vitest";
import { ENGINES, queryAs, useDatabase } from "../support/databases.ts";
import { addBudget, useParents } from "../support/log-rows.ts";

/**
 * Arguments that the endpoint refuses, passed to the functions of the REST API, which a
 * holder of a secret key can call directly.
 *
 * @module
 */

describe.each(ENGINES)("on $name", (engine) => {
  const db = useDatabase(engine.migrated);
  const world = useParents(db);

  const refusal = (name: string, values: unknown[]) =>
    queryAs(
      db,
      "service_role",
      null,
      `select public.${name}(${values.map((_, n) => `$${n + 1}`).join(", ")})`,
      values,
    ).then(() => "no error", (error) => error.code as string);

  test("a budget needs 1 to 20 thresholds from 1 to 1000 percent", async () => {
    const many = Array.from({ length: 21 }, (_, n) => n + 1);
    for (
      const list of [null, [], [null], [50, null], [0], [-1], [1_001], many]
    ) {
      const values = [world.firm1, null, "10", list, "UTC"];
      expect([list, await refusal("set_llm_budget", values)])
        .toEqual([list, "23514"]);
    }
    for (
      const limit of ["0", "-1", "NaN", "Infinity", "1000000000", "0.0000001"]
    ) {
      const values = [world.firm1, null, limit, [50], "UTC"];
      expect([limit, await refusal("set_llm_budget", values)])
        .toEqual([limit, "23514"]);
    }
    expect(await db.query("select from public.llm_budgets")).toEqual([]);
  });

  test("a reservation needs a positive amount, and lasts 1 to 86400 seconds", async () => {
    await addBudget(db.query, { firm_id: world.firm1 });
    const id = crypto.randomUUID();
    for (const seconds of [-100, -1, 0, 86_401, 2_147_483_647]) {
      const values = [id, world.firm1, null, "1", seconds];
      expect([seconds, await refusal("reserve_llm_budget", values)])
        .toEqual([seconds, "22023"]);
    }
    for (
      const [amount, seconds] of [["0", 60], ["-5", 60], [null, 60], [
        "1",
        null,
      ]]
    ) {
      const values = [id, world.firm1, null, amount, seconds];
      expect([amount, seconds, await refusal("reserve_llm_budget", values)])
        .toEqual([amount, seconds, expect.stringMatching(/^2350?[12]/)]);
    }
    expect(await db.query("select from ledger.reservations")).toEqual([]);
  });
});
