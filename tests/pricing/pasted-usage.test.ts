import { describe, expect, test } from "vitest";
import { SERVER_ONLY, useStack } from "../support/running-stack.ts";
import { makeEvent, type Members } from "../support/stack-prices.ts";
import { FLOORS, PASTED } from "./pasted-usages.ts";

describe.each(SERVER_ONLY)(
  "a usage object beside its model on %s",
  (engine) => {
    const ledger = useStack(engine);
    const post = (model: string, usage: Members) =>
      ledger.post("llm-usage", {
        ...makeEvent({ model, usage }),
        provider: undefined,
        created_at: "2026-11-01T12:00:00Z",
      });

    test.each(Object.entries(PASTED))(
      "is read whole: %s",
      async (_, [model, usage, row]) => {
        const { status, body } = await post(model, usage);
        expect([status, body]).toMatchObject([201, {
          model,
          usage,
          ...row,
          unread_members: [],
          cost_is_floor: false,
        }]);
      },
    );

    test.each(Object.entries(FLOORS))(
      "is a floor: %s",
      async (_, [model, usage, row]) => {
        const { status, body } = await post(model, usage);
        expect([status, body]).toMatchObject([201, {
          ...row,
          cost_is_floor: true,
        }]);
        const codes = body.warnings.map(({ code }: { code: string }) => code);
        const unread = (row.unread_members ?? []) as string[];
        expect(codes.includes("usage_unread")).toBe(unread.length > 0);
        for (const member of unread) {
          expect(JSON.stringify(body.warnings)).toContain(member);
        }
      },
    );
  },
);
