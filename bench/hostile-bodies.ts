/**
 * Processor time of the requests of tests/security/hostile-bodies.ts: prints the most
 * expensive ones, and fails if one exceeds the goal. The platform ends a function after
 * two seconds of it, with every other request that it serves. Linux only.
 *
 *     deno run -A bench/hostile-bodies.ts [<part of a route or name> …]
 */
import {
  HOSTILE_BODIES,
  type HostileBody,
} from "../tests/security/hostile-bodies.ts";
import { createKeys } from "../shared/tlog/keys.ts";
import { type FunctionServer, serveFunction } from "./function-server.ts";
import { judge, printTable } from "./measure.ts";
import { processorTime } from "./process-figures.ts";

const MAX_PROCESSOR_MS = 1_000;
const SHOWN = 25;
/** Requests before processor time counts, so that the modules are loaded. */
const WARM_UP = 3;

type Figure = { body: HostileBody; ms: number; status: number };

/** A REST API that records everything. */
const rest = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  async (request) => Response.json(answer(await request.json())),
);

function answer({ events }: { events?: { id: string }[] }): unknown {
  return events === undefined ? { agents: {}, tools: {} } : {
    recorded: events.length,
    first: events[0].id,
    last: events.at(-1)!.id,
  };
}

const { signerKey } = await createKeys("example.com/witness", "cosignature");
const chosen = HOSTILE_BODIES.filter(({ path, what }) =>
  Deno.args.every((part) => `${path} ${what}`.includes(part))
);
const figures: Figure[] = [];
for (const [slug, bodies] of Map.groupBy(chosen, ({ slug }) => slug)) {
  const server = await serveFunction(
    `supabase/functions/${slug}/index.ts`,
    `http://127.0.0.1:${rest.addr.port}`,
    { env: { WITNESS_SIGNING_KEY: signerKey } },
  );
  try {
    for (let n = 0; n < WARM_UP; n++) await server.post("[{}]", { path: slug });
    for (const body of bodies) figures.push(await measure(server, body));
  } finally {
    await server.stop();
  }
}
await rest.shutdown();

const worst = figures.toSorted((a, b) => b.ms - a.ms).slice(0, SHOWN);
printTable(
  `Hostile bodies: the ${worst.length} most expensive of ${figures.length}`,
  [
    "route",
    "body",
    "status",
    "processor time",
    `goal: at most ${MAX_PROCESSOR_MS} ms`,
  ],
  worst.map(({ body: { path, what }, status, ms }) => [
    path,
    what,
    String(status),
    `${ms} ms`,
    judge(ms <= MAX_PROCESSOR_MS),
  ]),
);
if (worst.some(({ ms }) => ms > MAX_PROCESSOR_MS)) Deno.exit(1);

async function measure(
  server: FunctionServer,
  body: HostileBody,
): Promise<Figure> {
  const bytes = await body.make();
  const before = processorTime(server.pid);
  const status = await server.post(bytes, {
    path: body.path,
    headers: {
      "content-type": body.type,
      ...body.gzip && { "content-encoding": "gzip" },
    },
  });
  return { body, status, ms: processorTime(server.pid) - before };
}
