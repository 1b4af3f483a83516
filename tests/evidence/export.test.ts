import { describe, expect, test } from "vitest";
import { StackError } from "../../local/stack-error.ts";
import { collectEvidence } from "../../scripts/evidence/collect-evidence.ts";
import { verifyBundle } from "../../scripts/verify/verify-bundle.ts";
import { useDatabase } from "../support/databases.ts";
import { EVENTS, newId } from "../support/running-stack.ts";
import { useEvidenceStack } from "../support/evidence-stack.ts";

const QUIETER =
  "The logs changed during every attempt to read them: try again when fewer rows are changed";

/** A firm with a user and a project, and rows that refer to them. */
interface Deletable {
  firm: string;
  user: string;
  project: string;
}

describe("a bundle exported during writes", () => {
  const ledger = useEvidenceStack("PostgreSQL 17");
  const db = useDatabase(() => Promise.resolve(ledger.openDatabase()));

  const post = async (slug: string, body: unknown) => {
    const { status } = await ledger.post(slug, body);
    expect([200, 201]).toContain(status);
  };

  /** Inserts a firm, a user and a project to delete, and rows that refer to them. */
  async function insertDeletable(): Promise<Deletable> {
    const [firm, user, project] = [newId(), newId(), newId()];
    await db.query("insert into public.firms (id, name) values ($1, 'F')", [
      firm,
    ]);
    await db.query("insert into public.users (id, firm_id) values ($1, $2)", [
      user,
      firm,
    ]);
    await db.query(
      "insert into public.cma_projects (id, firm_id, name) values ($1, $2, 'P')",
      [project, firm],
    );
    await post("audit", { ...EVENTS.audit, firm_id: firm, user_id: user });
    await post("llm-usage", {
      ...EVENTS["llm-usage"],
      firm_id: firm,
      cma_project_id: project,
    });
    return { firm, user, project };
  }

  const remove = (table: string, id: string) =>
    db.query(`delete from public.${table} where id = $1`, [id]);

  const DISTURBANCES: Record<
    string,
    (deletable: Deletable) => Promise<unknown>
  > = {
    "rows are recorded": () =>
      post("model-usage", [EVENTS["model-usage"], EVENTS["model-usage"]]),
    "rows are recorded and sealed": async () => {
      await post("model-usage", EVENTS["model-usage"]);
      await db.query("select ledger.seal()");
    },
    "everything is sealed and signed": () => ledger.sign(),
    "rows are recorded, sealed and signed": async () => {
      await post("audit", EVENTS.audit);
      await ledger.sign();
    },
    "a reference is nulled": ({ user }) => remove("users", user),
    "a reference is nulled and sealed": async ({ project }) => {
      await remove("cma_projects", project);
      await db.query("select ledger.seal()");
    },
    "rows are deleted": ({ firm }) => remove("firms", firm),
    "rows are deleted, sealed and signed": async ({ firm }) => {
      await remove("firms", firm);
      await ledger.sign();
    },
    "a person is erased": ({ user }) =>
      db.query("select ledger.erase_person($1, 'T', '{Ada,Ben}')", [user]),
    "a row is recorded and its user is gone": async () => {
      const { user } = await insertDeletable();
      await remove("users", user);
    },
  };

  /** Exports through a proxy that runs `disturb` before each call, counted from 1. */
  async function exportDisturbed(
    disturb: (call: number) => unknown,
  ): Promise<{ lines: string[]; calls: number; restarts: number }> {
    let calls = 0;
    const proxy = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        await disturb(++calls);
        const { pathname } = new URL(request.url);
        const { method, headers, body } = request;
        return await fetch(`${ledger.stack.url}${pathname}`, {
          method,
          headers: {
            apikey: headers.get("apikey") ?? "",
            "content-type": "application/json",
          },
          body: body && await request.text(),
        });
      },
    );
    let lines: string[] = [];
    let restarts = 0;
    try {
      await collectEvidence({
        url: `http://127.0.0.1:${proxy.addr.port}`,
        key: ledger.stack.secretKey,
      }, {
        write: (line) => Promise.resolve(void lines.push(line)),
        restart: () => {
          lines = [];
          restarts++;
          return Promise.resolve();
        },
      });
    } finally {
      await proxy.shutdown();
    }
    return { lines, calls, restarts };
  }

  test.each(Object.keys(DISTURBANCES))(
    "verifies when %s at any call",
    async (name) => {
      await ledger.post("audit", EVENTS.audit);
      await ledger.sign();
      const { calls: most } = await exportDisturbed(() => {});
      expect(most).toBeGreaterThan(7);
      // An odd step, so that the even and the odd calls have their turns.
      for (let call = 1; call <= most; call += 3) {
        // Rows that are sealed and rows that are not, and of both one whose user is gone.
        const sealed = [await insertDeletable(), await insertDeletable()];
        await ledger.sign();
        const pending = [await insertDeletable(), await insertDeletable()];
        await remove("users", sealed[0].user);
        await remove("users", pending[0].user);
        const deletable = call % 2 === 0 ? sealed[1] : pending[1];
        let disturbed = 0;
        const { lines } = await exportDisturbed(async (now) => {
          if (now !== call) return;
          disturbed++;
          await DISTURBANCES[name](deletable);
        });
        expect(disturbed).toBe(1);
        // Changes that are not sealed and signed yet are reported, and nothing else is.
        const { faults } = await verifyBundle(lines, ledger.policy);
        const others = faults.filter(({ code }) => code !== "change_unsigned");
        expect(others, `before call ${call} of ${most}`).toEqual([]);
      }
      await ledger.sign();
      const { lines } = await exportDisturbed(() => {});
      expect((await verifyBundle(lines, ledger.policy)).faults).toEqual([]);
    },
    120_000,
  );

  test("restarts only after a nulled reference, a deletion or an erasure", async () => {
    await ledger.sign();
    const deletable = await insertDeletable();
    const restartsOf = async (name: string) =>
      (await exportDisturbed((call) =>
        call === 3 ? DISTURBANCES[name](deletable) : undefined
      )).restarts;
    expect(await restartsOf("rows are recorded, sealed and signed")).toBe(0);
    expect(await restartsOf("a reference is nulled")).toBe(1);
    expect(await restartsOf("rows are deleted")).toBe(1);
  });

  test("fails for logs that change at every attempt", async () => {
    await ledger.sign();
    const deletable = await Promise.all(
      Array.from({ length: 5 }, () => insertDeletable()),
    );
    const { calls } = await exportDisturbed(() => {});
    const disturbed = exportDisturbed((call) =>
      call % calls === 2 ? remove("users", deletable.pop()!.user) : undefined
    );
    await expect(disturbed).rejects.toThrow(new StackError(QUIETER));
    expect(deletable).toEqual([]);
  });

  test(
    "of several pages verifies during concurrent writes, deletions and seals",
    async () => {
      for (let page = 0; page < 3; page++) {
        const events = Array.from(
          { length: 1_000 },
          () => EVENTS["model-usage"],
        );
        await post("model-usage", events);
      }
      await ledger.sign();
      const deletable = await Promise.all(
        Array.from({ length: 12 }, () => insertDeletable()),
      );
      let isOver = false;
      const until = async (work: () => Promise<unknown>) => {
        while (!isOver) await work();
      };
      const others = [
        until(() => post("model-usage", [EVENTS["model-usage"]])),
        until(() => post("audit", [EVENTS.audit, EVENTS.audit])),
        until(() => ledger.post("ledger/seal", {})),
        until(async () => {
          await new Promise((resolve) => setTimeout(resolve, 150));
          const { user } = deletable.pop() ?? { user: newId() };
          await remove("users", user);
        }),
      ];
      const outcomes: string[] = [];
      try {
        for (let times = 0; times < 8; times++) {
          try {
            const { faults } = await ledger.verify(ledger.policy);
            // An export between a change of a signed row and the seal of its leaf.
            const others = faults.filter(({ code }) =>
              code !== "change_unsigned"
            );
            outcomes.push(others.map(({ detail }) => detail).join("; "));
          } catch (error) {
            if (!(error instanceof StackError)) throw error;
            outcomes.push(error.message);
          }
        }
      } finally {
        isOver = true;
        await Promise.all(others);
      }
      expect(outcomes).toContain("");
      for (const outcome of outcomes) {
        expect(["", QUIETER])
          .toContain(outcome);
      }
    },
    120_000,
  );
});
