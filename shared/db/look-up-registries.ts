import { READ_TIMEOUT_MS } from "../limits.ts";
import { callFunction } from "./call-function.ts";
import type { Environment } from "./environment.ts";
import { requireMember } from "./require-answer.ts";

/** Ids by name; several where a name is not unique. */
export type Ids = ReadonlyMap<string, readonly string[]>;

/** Looks agents and tools up by name, in one call. */
export async function lookUpRegistries(
  names: { agents: string[]; tools: string[] },
  env: Environment,
): Promise<{ agents: Ids; tools: Ids }> {
  if (names.agents.length + names.tools.length === 0) {
    return { agents: new Map(), tools: new Map() };
  }
  const caller = { kind: "service", keyName: "default" } as const;
  const found = await callFunction(
    { caller, env },
    "look_up_registries",
    names,
    READ_TIMEOUT_MS,
  );
  requireMember(found, "agents");
  const { agents, tools } = found as Record<
    "agents" | "tools",
    Record<string, string[]>
  >;
  return {
    agents: new Map(Object.entries(agents)),
    tools: new Map(Object.entries(tools)),
  };
}
