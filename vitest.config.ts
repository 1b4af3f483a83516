import { defineConfig } from "vitest/config";
import { isLostTypesQuery } from "./local/postgres-pool.ts";

export default defineConfig(({ mode }) => ({
  resolve: { alias: { "@std/": "deno-std/" } },
  test: {
    include: [mode === "e2e" ? "tests/e2e/*.test.ts" : "tests/**/*.test.ts"],
    // These need the network or minutes: `npm run test:e2e`.
    exclude: mode === "e2e" ? [] : ["tests/e2e/**"],
    globalSetup: ["tests/support/start-postgres.ts"],
    maxWorkers: "100%",
    // Test files share no state, and a worker's first PGlite is slow to start.
    isolate: false,
    // What takes long is starting stacks and servers, on machines of any speed.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // The stack outlives it, and vitest would see it all the same.
    onUnhandledError: (error) => isLostTypesQuery(error) ? false : undefined,
  },
}));
