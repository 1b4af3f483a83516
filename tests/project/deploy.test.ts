import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dirname } from "@std/path/dirname.js";
import { runSupabase } from "../../scripts/supabase-cli.ts";

const PROJECT = new URL("../../", import.meta.url).pathname;
const LOG_SLUGS = ["audit", "llm-usage", "model-usage", "tool-usage"];
/** Functions that write into several logs, and a path where each takes a POST. */
const RECEIVERS: Record<string, string> = {
  ledger: "ledger/seal",
  otlp: "otlp/v1/traces",
  webhooks: "webhooks/litellm",
};

/** What the CLI uploads for one function. */
type Upload = { files: Map<string, string>; metadata: Record<string, unknown> };

/**
 * Runs the real `supabase functions deploy` against a stand-in of the Management
 * API, so that what the platform would receive can be looked at.
 */
describe("supabase functions deploy", () => {
  const uploads = new Map<string, Upload>();
  let home: string;

  beforeAll(async () => {
    home = await Deno.makeTempDir();
    const api = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      (request) => answer(request, uploads),
    );
    const url = `http://127.0.0.1:${api.addr.port}`;
    await Deno.writeTextFile(
      `${home}/profile.yaml`,
      [
        "name: stand-in",
        `api_url: ${url}`,
        `dashboard_url: ${url}`,
        "project_host: 127.0.0.1",
      ].join("\n"),
    );
    const { code, stderr } = await runSupabase([
      "functions",
      "deploy",
      "--use-api",
      "--remote=abcdefghijklmnopqrst",
      `--profile=${home}/profile.yaml`,
      "--yes",
    ], { SUPABASE_ACCESS_TOKEN: `sbp_${"0".repeat(40)}` });
    await api.shutdown();
    expect(code, stderr).toBe(0);
  }, 120_000);

  afterAll(() => Deno.remove(home, { recursive: true }));

  test("uploads every function of config.toml, unauthenticated by the platform", () => {
    expect([...uploads.keys()].sort())
      .toEqual([...LOG_SLUGS, ...Object.keys(RECEIVERS)].sort());
    for (const [slug, { metadata }] of uploads) {
      expect(metadata).toMatchObject({
        entrypoint_path: `supabase/functions/${slug}/index.ts`,
        import_map_path: "deno.json",
        verify_jwt: false,
      });
    }
  });

  test("uploads nothing but the sources that a function imports", () => {
    for (const [slug, { files }] of uploads) {
      const logs = [...files.keys()].filter((name) =>
        name.startsWith("shared/logs/") && /-(log|ledger)\.ts$/.test(name)
      );
      expect(logs).toHaveLength(slug in RECEIVERS ? LOG_SLUGS.length : 1);
      for (const name of files.keys()) {
        expect(name).toMatch(
          new RegExp(
            `^(deno\\.json|shared/.+\\.ts|supabase/functions/${slug}/index\\.ts)$`,
          ),
        );
      }
    }
  });

  test("uploads all that a function needs to answer", async () => {
    for (const [slug, { files }] of uploads) {
      const folder = await Deno.makeTempDir({ dir: home });
      for (const [name, content] of files) {
        await Deno.mkdir(dirname(`${folder}/${name}`), { recursive: true });
        await Deno.writeTextFile(`${folder}/${name}`, content);
      }
      // Stands for the platform's npm cache.
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
        // The lines of the requests are none of this test's business.
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
  }, 60_000);
});

async function answer(
  request: Request,
  uploads: Map<string, Upload>,
): Promise<Response> {
  const url = new URL(request.url);
  const slug = url.searchParams.get("slug");
  if (slug !== null) {
    const upload: Upload = { files: new Map(), metadata: {} };
    for (const [name, value] of await request.formData()) {
      if (value instanceof File) {
        upload.files.set(value.name, await value.text());
      } else if (name === "metadata") upload.metadata = JSON.parse(value);
    }
    uploads.set(slug, upload);
    const now = Date.now();
    return Response.json({
      id: slug,
      slug,
      name: slug,
      status: "ACTIVE",
      version: 1,
      created_at: now,
      updated_at: now,
    }, { status: 201 });
  }
  if (request.method === "PUT") return Response.json({ functions: [] });
  return Response.json(url.pathname.endsWith("/functions") ? [] : {});
}
