import { defineConfig } from "vitest/config";
import { isLostTypesQuery } from "./local/postgres-pool.ts";

export default defineConfig({
  resolve: { alias: { "@std/": "deno-std/" } },
  test: {
    include: ["tests/**/*.test.ts"],
    globalSetup: ["tests/database/start-postgres.ts"],
    // The stack outlives it, and vitest would see it all the same.
    onUnhandledError: (error) => isLostTypesQuery(error) ? false : undefined,
  },
});
