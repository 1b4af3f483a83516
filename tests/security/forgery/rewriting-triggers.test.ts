import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SERVER_ONLY } from "../../support/databases.ts";
import type { Actor } from "../../support/owned-database.ts";
import {
  EVERY_PRIVILEGE,
  GUARDED,
  openScene,
  REFUSED,
  type Scene,
} from "./scene.ts";

/** Roles with TRIGGER on the logs: the owner, and in a careless project service_role. */
const ACTORS: Actor[] = ["service_role", "owner"];

/** Changes that a trigger makes to the row during a real referential action. */
const SMUGGLED: [string, string][] = [
  ["another action", "new.action := 'forged'"],
  ["another time", "new.created_at := now()"],
  [
    "a key of another user",
    "new.user_id := (select min(u.id::text)::uuid from public.users u)",
  ],
  ["a number of another scale", `new.metadata := '{"count": 1.0}'`],
  ["no metadata", "new.metadata := null"],
  ["another id", "new.id := gen_random_uuid()"],
];

const FORGE = "update public.audit_log set action = 'forged'";

const rewrite = (name: string, timing: string, body: string) => `
  create function pg_temp.rewrite() returns trigger language plpgsql as $f$ begin ${body}; return new; end $f$;
  create trigger ${name} ${timing} on public.audit_log for each row execute function pg_temp.rewrite();`;

describe.each(SERVER_ONLY)("on $name, a trigger", (engine) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(engine, EVERY_PRIVILEGE);
  });
  afterAll(() => scene.db.close());

  describe.each(ACTORS)("of %s", (actor) => {
    // Triggers fire in the order of their names: one before the guard, one after.
    describe.each(["aaa", "zzz"])("named %s", (name) => {
      test.each(SMUGGLED)(
        "cannot put %s into a row whose key is being nulled",
        async (_, body) => {
          const error = await scene.attack(
            actor,
            `${
              rewrite(name, "before update", body)
            } delete from users where id = '${scene.world.user1}'`,
          );
          expect(error).toMatchObject(GUARDED);
        },
      );

      test.each(
        [
          [
            "turn a nulling into an update of another row",
            "after update",
            `${FORGE} where id = old.id`,
            ({ world }: Scene) =>
              `delete from users where id = '${world.user1}'`,
          ],
          [
            "use a cascade to change the rows that stay",
            "after delete",
            FORGE,
            ({ world }: Scene) =>
              `delete from firms where id = '${world.firm1}'`,
          ],
          [
            "change a row when another is inserted",
            "after insert",
            FORGE,
            ({ world }: Scene) =>
              `insert into audit_log (firm_id, action, entity_type) values ('${world.firm1}', 'a', 'b')`,
          ],
        ] as const,
      )("cannot %s", async (_, timing, body, of) => {
        const script = `${rewrite(name, timing, body)} ${of(scene)}`;
        expect(await scene.attack(actor, script)).toMatchObject(GUARDED);
      });
    });
  });

  test("needs the TRIGGER privilege, which the guard takes from every other role", async () => {
    const { db } = scene;
    await db.attempt("owner", "select ledger.guard('audit_log')");
    for (const role of ["anon", "authenticated", "service_role"] as const) {
      expect(await scene.attack(role, rewrite("aaa", "before insert", "null")))
        .toMatchObject(REFUSED);
    }
    const held = await db.query(
      `select role, privilege from unnest('{anon,authenticated,service_role}'::text[]) role,
        unnest(ledger.owner_privileges()) privilege where has_table_privilege(role, 'audit_log', privilege)`,
    );
    expect(held).toEqual([]);
  });
});
