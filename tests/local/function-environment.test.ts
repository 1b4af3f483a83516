import { expect, test, vi } from "vitest";
import { assembleFunctionEnvironment } from "../../local/function-environment.ts";
import { assembleKeys } from "../../local/keys.ts";

// Starting databases takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const BASE = {
  url: "http://127.0.0.1:54321",
  keys: assembleKeys(),
  jwks: { keys: [] },
  supabaseDir: "/nowhere",
};

test("functions get the URL of a database server, and none with PGlite", async () => {
  const databaseUrl = "postgresql://postgres@127.0.0.1:5432/postgres";
  expect(await assembleFunctionEnvironment({ ...BASE, databaseUrl }))
    .toMatchObject({ SUPABASE_DB_URL: databaseUrl });
  expect(await assembleFunctionEnvironment(BASE))
    .not.toHaveProperty("SUPABASE_DB_URL");
});

test("a project's own variables cannot replace the platform's", async () => {
  const supabaseDir = await Deno.makeTempDir();
  await Deno.mkdir(`${supabaseDir}/functions`);
  await Deno.writeTextFile(
    `${supabaseDir}/functions/.env`,
    "SUPABASE_DB_URL=postgresql://elsewhere\nSUPABASE_URL=http://elsewhere\nOWN=1\n",
  );
  const env = await assembleFunctionEnvironment({
    ...BASE,
    supabaseDir,
    extra: { SUPABASE_JWKS: "{}", OWN: "2" },
  });
  expect(env).toMatchObject({
    SUPABASE_URL: BASE.url,
    SUPABASE_JWKS: JSON.stringify(BASE.jwks),
    OWN: "2",
  });
  expect(env).not.toHaveProperty("SUPABASE_DB_URL");
  await Deno.remove(supabaseDir, { recursive: true });
});
