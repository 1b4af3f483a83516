import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "@std/": "deno-std/" } },
  test: {
    include: ["tests/**/*.test.ts"],
    globalSetup: ["tests/database/start-postgres.ts"],
  },
});
