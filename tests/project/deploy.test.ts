import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  deployFunctions,
  type Upload,
  writeUpload,
} from "../support/deployed-functions.ts";

const PROJECT = new URL("../../", import.meta.url).pathname;
const LOG_SLUGS = ["audit", "llm-usage", "model-usage", "tool-usage"];
/** Functions that write into several logs, and a path where each takes a POST. */
const RECEIVERS: Record<string, string> = {
  ledger: "ledger/seal",
  otlp: "otlp/v1/traces",
  webhooks: "webhooks/litellm",
};

describe("supabase functions deploy", () => {
  let uploads: Map<string, Upload>;
  let home: string;

  beforeAll(async () => {
    home = await Deno.makeTempDir();
    uploads = await deployFunctions();
  }, 120_000);

  afterAll(() => Deno.remove(home, { recursive: true }));

  test("uploads every function of config.toml, unauthenticated by the platform", () => {
    expect([...uploads.keys()].sort())
      .toEqual([...LOG_SLUGS, ...Object.keys(RECEIVERS)].sort());
    for (const [slug, { metadata }] of uploads) {
      expect(metadata).toMatchObject({
        entrypoint_path: `supabase/functions/${slug}/index.ts`,
        import_map_path: `supabase/functions/${slug}/deno.json`,
        verify_jwt: false,
      });
    }
  });

  test("uploads the sources that a function imports, with its configuration and lock", () => {
    for (const [slug, { files }] of uploads) {
      const own = `supabase/functions/${slug}`;
      const logs = [...files.keys()].filter((name) =>
        name.startsWith("shared/logs/") && /-(log|ledger)\.ts$/.test(name)
      );
      // Spans are events of two logs; the other receivers take any log.
      const count = slug === "otlp" ? 2 : LOG_SLUGS.length;
      expect(logs).toHaveLength(slug in RECEIVERS ? count : 1);
      const document = slug in RECEIVERS
        ? []
        : [`${own}/document.ts`, `${own}/openapi.json`];
      expect(
        [...files.keys()]
          .filter((name) => !/^shared\/.+\.ts$/.test(name)).sort(),
      ).toEqual([
        "deno.json",
        `${own}/deno.json`,
        ...document,
        `${own}/index.ts`,
        "supabase/functions/deno.lock",
      ].sort());
    }
  });

  test("uploads every file that a function needs to answer", {
    timeout: 60_000,
  }, async () => {
    for (const [slug, upload] of uploads) {
      const folder = await Deno.makeTempDir({ dir: home });
      await writeUpload(upload, folder);
      // Stands for the platform's npm cache; tests/e2e has an empty one.
      await Deno.copyFile(`${PROJECT}package.json`, `${folder}/package.json`);
      await Deno.symlink(`${PROJECT}node_modules`, `${folder}/node_modules`);
      const entry = `${folder}/supabase/functions/${slug}/index.ts`;
      const post = ["POST", RECEIVERS[slug] ?? slug];
      const requests = slug in RECEIVERS
        ? [["DELETE", RECEIVERS[slug]], post]
        : [["PUT", slug], ["GET", `${slug}/openapi.json`], post];
      const script = `const { default: f } = await import(${
        JSON.stringify(entry)
      });
        // The access log is not under test here.
        const { log } = console;
        console.log = () => {};
        for (const [method, path] of ${JSON.stringify(requests)}) {
          const request = new Request("http://x/" + path, { method });
          log((await f.fetch(request)).status);
        }`;
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["eval", script],
        cwd: folder,
        env: { SUPABASE_URL: "http://127.0.0.1:1", SUPABASE_SECRET_KEY: "x" },
      }).output();
      const text = (bytes: Uint8Array) =>
        new TextDecoder().decode(bytes).trim();
      expect(`${text(stdout)}${text(stderr)}`)
        .toBe(slug in RECEIVERS ? "405\n401" : "405\n200\n401");
    }
  });
});
