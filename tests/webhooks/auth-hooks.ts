import { newId } from "../support/running-stack.ts";
import { createHook, HOOKS } from "../support/supabase-payloads.ts";

/** What Auth must be told for each hook, whatever becomes of the event. */
export const ANSWERS: [string, unknown][] = [
  ["before-user-created", {}],
  ["after-user-created", {}],
  ["password-verification", { decision: "continue" }],
  ["mfa-verification", { decision: "continue" }],
  ["customize-access-token", {
    claims: HOOKS["customize-access-token"].claims,
  }],
];

/** A hook's payload of an invocation that no other test has. */
export function createOwnHook(
  name: string,
  changes: Record<string, unknown> = {},
) {
  const hook = createHook(name, changes);
  const metadata = { ...hook.metadata as object, uuid: newId() };
  return { ...hook, metadata };
}
