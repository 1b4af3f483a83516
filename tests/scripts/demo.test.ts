import { expect, test } from "vitest";

test("the demo posts to all four endpoints, and prints their answers and the stored rows", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      new URL("../../scripts/demo.ts", import.meta.url).pathname,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  expect(new TextDecoder().decode(stderr)).toBe("");
  expect(code).toBe(0);
  const answers = [...text.matchAll(/→ (\d+)/g)].map(([, status]) => status);
  expect(answers).toEqual([
    "201",
    "200",
    "409",
    "201",
    "207",
    "201",
    "201",
    "422",
  ]);
  for (
    const table of [
      "llm_usage_log: 2",
      "tool_usage_ledger: 2",
      "model_usage_log: 2",
      "audit_log: 1",
    ]
  ) {
    expect(text).toContain(`${table} rows`);
  }
  expect(text).toContain("0.000152");
});
