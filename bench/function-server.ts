import { SECRET_KEY } from "../local/keys.ts";

/** One function, and nothing else, in a process. */
export interface FunctionServer {
  pid: number;
  /** Posts JSON as a service, or a body of another type, and returns the status. */
  post(body: BodyInit, options?: PostOptions): Promise<number>;
  stop(): Promise<void>;
}

/** How a body is posted. */
export interface PostOptions {
  /** Below the origin; the function's root by default. */
  path?: string;
  headers?: Record<string, string>;
}

const ROOT = new URL("../", import.meta.url).pathname;

/**
 * Serves the function at `path` with `deno serve`, in an environment as the
 * platform's; `supabaseUrl` is where its REST API is.
 */
export async function serveFunction(
  path: string,
  supabaseUrl: string,
  options: { v8Flags?: string; env?: Record<string, string> } = {},
): Promise<FunctionServer> {
  const port = freePort();
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "serve",
      "-A",
      "--no-check",
      ...options.v8Flags ? [`--v8-flags=${options.v8Flags}`] : [],
      `--config=${ROOT}deno.json`,
      "--host=127.0.0.1",
      `--port=${port}`,
      ROOT + path,
    ],
    cwd: ROOT,
    env: {
      SUPABASE_URL: supabaseUrl,
      SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }),
      SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: "sb_publishable_" }),
      SUPABASE_JWKS: JSON.stringify({ keys: [] }),
      ...options.env,
    },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  await untilPrinted(process.stderr, "Listening");
  return {
    pid: process.pid,
    post: async (body, { path = "", headers = {} } = {}) => {
      const response = await fetch(`http://127.0.0.1:${port}/${path}`, {
        method: "POST",
        headers: {
          apikey: SECRET_KEY,
          "content-type": "application/json",
          ...headers,
        },
        body,
      });
      await response.body?.cancel();
      return response.status;
    },
    stop: async () => {
      process.kill("SIGTERM");
      await process.status;
    },
  };
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

/** Reads a process's output until it has `wanted`. */
async function untilPrinted(
  stream: ReadableStream<Uint8Array>,
  wanted: string,
): Promise<void> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the process ended: ${text}`);
    text += decoder.decode(value, { stream: true });
    if (text.includes(wanted)) break;
  }
  // Later output is discarded, or its pipe would fill up.
  void (async () => {
    while (!(await reader.read()).done);
  })();
}
