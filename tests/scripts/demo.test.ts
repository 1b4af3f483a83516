import { expect, test } from "vitest";
import { run } from "../support/command.ts";

test("the demo posts to all four endpoints, and prints their answers and the stored rows", async () => {
  const { code, stdout, stderr } = await run("../scripts/demo.ts", []);
  expect([code, stderr]).toEqual([0, ""]);
  const statuses = [...stdout.matchAll(/→ (\d+)/g)].map(([, status]) => status);
  expect(statuses.join(" ")).toBe("201 200 409 201 207 201 201 422");
  expect(stdout).toContain("llm_usage_log: 2 rows");
  expect(stdout).toContain("tool_usage_ledger: 2 rows");
  expect(stdout).toContain("model_usage_log: 2 rows");
  expect(stdout).toContain("audit_log: 1 rows");
  expect(stdout).toContain("0.000152");
});
