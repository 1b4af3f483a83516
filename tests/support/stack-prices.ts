import { FIRM, type RunningStack } from "./running-stack.ts";

/** A price or an event: members by name. */
export type Members = Record<string, unknown>;

/** Enters a price as a service does: of `acme`, since 2026. Returns its id. */
export async function enterPrice(
  ledger: RunningStack,
  price: Members & { match_value: string },
): Promise<string> {
  const { status, body } = await ledger.post("llm-usage/prices", {
    provider: "acme",
    match_kind: "equals",
    effective_from: "2026-01-01T00:00:00Z",
    source: "a contract",
    ...price,
  });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return body.id;
}

/** An event of `acme` in June 2026 with the members that it must have but its tokens. */
export function makeEvent(event: Members): Members {
  return {
    firm_id: FIRM,
    provider: "acme",
    model: "unheard-of",
    task_type: "extraction",
    created_at: "2026-06-15T12:00:00Z",
    ...event,
  };
}
