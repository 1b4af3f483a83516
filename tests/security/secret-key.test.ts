import { permitSigner } from "../../shared/evidence/ledger-keys.ts";
import { describe, expect, test } from "vitest";
import { ENGINES, queryAs, useDatabase } from "../support/databases.ts";
import { addAudit, useParents } from "../support/log-rows.ts";

/**
 * What a secret key can call over the REST API, and must not achieve, also with the secret
 * of a signer.
 *
 * @module
 */

const ROOT = btoa("a".repeat(32));
const OTHER = btoa("b".repeat(32));

describe.each(ENGINES)("a secret key on $name", (engine) => {
  const db = useDatabase(engine.migrated);
  const world = useParents(db);

  const asService = <Row>(sql: string, values: unknown[] = []) =>
    queryAs<Row>(db, "service_role", null, sql, values);

  test.each([
    ["forgets the last checkpoint", [0, 5, OTHER]],
    ["takes another root of the same size", [5, 5, OTHER]],
    ["takes a smaller tree", [5, 4, OTHER]],
    ["takes a tree that does not continue its own", [4, 6, OTHER]],
  ])(
    "cannot make the memory of a witness such that it %s",
    async (_what, [old, size, root]) => {
      const origin = `example.com/${crypto.randomUUID()}`;
      const move = async (...values: unknown[]) => {
        const [{ moved }] = await asService<{ moved: boolean }>(
          "select public.witness_checkpoint($1, $2, $3, $4, 'note', '{holder}') as moved",
          [origin, ...values],
        );
        return moved;
      };
      await db.query(permitSigner("cosignature", "holder"));
      expect(await move(0, 5, ROOT)).toBe(true);
      expect(await move(old, size, root)).toBe(false);
      const [row] = await db.query<{ size: number; root: string }>(
        "select size::int, encode(root, 'base64') as root from ledger.witnessed where origin = $1",
        [origin],
      );
      expect(row).toEqual({ size: 5, root: ROOT });
    },
  );

  test("cannot delete history with its parents", async () => {
    await addAudit(db.query, { firm_id: world.firm1, user_id: world.user1 });
    for (
      const table of [
        "firms",
        "users",
        "cma_projects",
        "agent_registry",
        "tool_registry",
        "ventures",
      ]
    ) {
      for (const sql of [`delete from ${table}`, `truncate ${table} cascade`]) {
        await expect(asService(sql), sql)
          .rejects.toMatchObject({ code: "42501" });
      }
    }
    expect(
      await db.query("select from public.audit_log where firm_id = $1", [
        world.firm1,
      ]),
    )
      .toHaveLength(1);
  });
});
