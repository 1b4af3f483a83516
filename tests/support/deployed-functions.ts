import { dirname } from "@std/path/dirname.js";
import { runSupabase } from "../../scripts/supabase-cli.ts";

/**
 * What `supabase functions deploy` uploads, by the real CLI against a stand-in of
 * the Management API.
 *
 * @module
 */

/** What the CLI uploads for one function. */
export interface Upload {
  /** Content by path from the project's root. */
  files: Map<string, string>;
  metadata: {
    entrypoint_path: string;
    import_map_path: string;
    verify_jwt: boolean;
  };
}

/**
 * Deploys every function.
 *
 * @throws with the CLI's output when it fails.
 */
export async function deployFunctions(): Promise<Map<string, Upload>> {
  const uploads = new Map<string, Upload>();
  const home = await Deno.makeTempDir();
  const api = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => answer(request, uploads),
  );
  try {
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
    const { code, stderr, stdout } = await runSupabase([
      "functions",
      "deploy",
      "--use-api",
      "--project-ref=abcdefghijklmnopqrst",
      `--profile=${home}/profile.yaml`,
      "--yes",
    ], { SUPABASE_ACCESS_TOKEN: `sbp_${"0".repeat(40)}` });
    if (code !== 0) throw new Error(`the deploy failed: ${stderr}${stdout}`);
  } finally {
    await api.shutdown();
    await Deno.remove(home, { recursive: true });
  }
  return uploads;
}

/** Writes the files of an upload below `folder`, as the platform's bundler finds them. */
export async function writeUpload(
  { files }: Upload,
  folder: string,
): Promise<void> {
  for (const [name, content] of files) {
    await Deno.mkdir(dirname(`${folder}/${name}`), { recursive: true });
    await Deno.writeTextFile(`${folder}/${name}`, content);
  }
}

async function answer(
  request: Request,
  uploads: Map<string, Upload>,
): Promise<Response> {
  const url = new URL(request.url);
  const slug = url.searchParams.get("slug");
  if (slug !== null) {
    const files = new Map<string, string>();
    let metadata = "{}";
    for (const [name, value] of await request.formData()) {
      if (value instanceof File) files.set(value.name, await value.text());
      else if (name === "metadata") metadata = value;
    }
    uploads.set(slug, { files, metadata: JSON.parse(metadata) });
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
