import { readEnvironment } from "../../../shared/db/environment.ts";
import { serveOtlp } from "../../../shared/serve-otlp.ts";

export default {
  fetch: serveOtlp(readEnvironment((name) => Deno.env.get(name))),
} satisfies Deno.ServeDefaultExport;
