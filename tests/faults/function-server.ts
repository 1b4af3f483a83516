import { LOGS } from "../../shared/logs/index.ts";
import { serveLog } from "../../shared/serve-log.ts";
import { usageRoutes } from "../../shared/usage/routes.ts";

/** The functions of the logs over HTTP, whose project may be anywhere. */
export interface FunctionServer {
  port: number;
  /** `http://127.0.0.1:<port>` */
  url: string;
  close(): Promise<void>;
}

/** What the functions know of their project: where it is, and a secret key. */
export interface Project {
  url: string;
  secretKey: string;
}

/** The handler of each function, by its slug. */
export function createHandlers({ url, secretKey }: Project) {
  const data = {
    url,
    publishableKeys: {},
    secretKeys: { default: secretKey },
    jwks: { keys: [] },
  };
  return new Map<string, (request: Request) => Promise<Response>>(
    LOGS.map((log) => [
      log.slug,
      serveLog(
        log,
        { data, error: null },
        log.slug === "llm-usage" ? { routes: usageRoutes } : {},
      ),
    ]),
  );
}

/** Serves the functions of the logs under `/<slug>`, in this process. */
export function serveFunctions(project: Project): FunctionServer {
  const handlers = createHandlers(project);
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
  }, (request) => {
    const [, slug] = new URL(request.url).pathname.split("/");
    return handlers.get(slug)!(request);
  });
  const { port } = server.addr;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    close: () => server.shutdown(),
  };
}
