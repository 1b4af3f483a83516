import type * as z from "zod";
import * as limits from "../../shared/limits.ts";
import type { Log } from "../../shared/logs/log.ts";
import {
  describeOperation,
  fetchOperation,
  listOperation,
  recordOperation,
  summaryOperation,
} from "./log-operations.ts";
import type { Example, Operation, OperationName, Route } from "./operation.ts";
import { readExamples } from "./read-examples.ts";
import { recordExamples } from "./record-examples.ts";
import { replySchemas, SHARED_REPLIES } from "./reply-schemas.ts";
import { commonResponses, HEADERS } from "./responses.ts";
import {
  eventSchemas,
  type Json,
  toReplySchemas,
  toRequestSchemas,
} from "./schemas.ts";
import { usageExamples } from "./usage-examples.ts";
import { USAGE_REPLIES, USAGE_REQUESTS, usageOperations } from "./usage.ts";

/** The version of the API, which is the version of the project. */
export const API_VERSION = "0.1.0";

const DESCRIPTION =
  `Append-only usage and audit logs: events are recorded with POST and read with GET, and a recorded row is never changed or deleted.

A producer sends a producer key, which records into its logs within its scope, and reads there unless it is write-only. A service sends a secret API key and reads every row. A user sends their token and reads the rows that row-level security shows.

HEAD answers like GET, without the body. Every other method has the response MethodNotAllowed. Unknown parameters are rejected. Errors are problem documents (RFC 9457), whose code is stable. Money is a decimal string.

The timeout of the database is ${
    limits.RECORD_TIMEOUT_MS / 1_000
  } seconds for a batch and ${
    limits.READ_TIMEOUT_MS / 1_000
  } seconds for a page or a summary; after it the answer is 503. The answer is 503 at once if more than ${limits.MAX_REQUESTS_IN_PROGRESS} requests, ${limits.MAX_EVENTS_IN_PROGRESS} events, ${limits.MAX_BYTES_IN_PROGRESS} bytes of bodies, ${limits.MAX_ROWS_IN_PROGRESS} rows of pages or ${limits.MAX_EXPORTS_IN_PROGRESS} exports are in progress in an instance, or more than ${limits.MAX_EXPORTS_PER_CALLER} of them of one caller. The timeout of a body is ${
    limits.BODY_TIMEOUT_MS / 1_000
  } seconds. An instance looks a producer key up again after ${
    limits.PRODUCER_KEY_CACHE_MS / 1_000
  } seconds. x-limits lists every limit by name.`;

/** An OpenAPI 3.1 document. */
export type Document = {
  openapi: string;
  info: Json;
  servers: Json[];
  tags: Json[];
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Json>;
};

/**
 * The OpenAPI 3.1 document of these logs, derived from their declarations and from the
 * limits, parameters and problems of the endpoint.
 */
export async function createDocument(logs: readonly Log[]): Promise<Document> {
  const requests = {};
  const replies = { ...SHARED_REPLIES };
  const paths: Document["paths"] = {};
  for (const log of logs) {
    const own = ownParts(log);
    Object.assign(requests, eventSchemas(log), own.requests);
    Object.assign(replies, replySchemas(log), own.replies);
    const routes = routesOf(log);
    await addExamples(log, routes);
    for (const { path, method, operation } of Object.values(routes)) {
      (paths[`/${log.slug}${path}`] ??= {})[method] = operation;
    }
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Ledger Functions",
      version: API_VERSION,
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
      // The order of a module's exports is not stable.
      "x-limits": Object.fromEntries(Object.entries(limits).sort()),
    },
    servers: SERVERS,
    tags: logs.map(({ slug, description }) => ({ name: slug, description })),
    paths,
    components: {
      schemas: { ...toRequestSchemas(requests), ...toReplySchemas(replies) },
      responses: commonResponses(),
      headers: HEADERS,
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

const SERVERS = [
  {
    url: "https://{project}.supabase.co/functions/v1",
    description: "A project on the platform",
    variables: {
      project: {
        default: "project-ref",
        description: "The project's reference",
      },
    },
  },
  {
    url: "http://127.0.0.1:54321/functions/v1",
    description: "The local stack",
  },
];

const SECURITY_SCHEMES = {
  producerKey: {
    type: "apiKey",
    in: "header",
    name: "x-ledger-key",
    description: "A producer key: lfk_…; or as Authorization: Bearer lfk_…",
  },
  secretKey: {
    type: "apiKey",
    in: "header",
    name: "apikey",
    description: "A service's secret API key: sb_secret_…",
  },
  userToken: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "The access token of a signed-in user",
  },
};

/**
 * Adds a log's examples to its operations. The parts of an example have the same key in
 * parameters, request body and response; `x-credential` of the response names the security
 * scheme.
 */
async function addExamples(
  log: Log,
  routes: Record<string, Route>,
): Promise<void> {
  const examples = [
    ...await recordExamples(log),
    ...readExamples(log),
    ...await ownParts(log).examples(log),
  ];
  for (const example of examples) {
    addExample(routes[example.operation].operation, example);
  }
}

function addExample(operation: Operation, example: Example): void {
  const { name, request, status, reply } = example;
  for (const parameter of operation.parameters) {
    if (parameter.name in example.parameters) {
      put(parameter, name, { value: example.parameters[parameter.name] });
    }
  }
  if (request) {
    put(operation.requestBody!.content[request.type], name, {
      value: request.body,
    });
  }
  put(operation.responses[status].content![reply.type], name, {
    "x-credential": example.credential,
    value: reply.body,
  });
}

function put(
  target: Json & { examples?: Json },
  name: string,
  example: Json,
): void {
  (target.examples ??= {})[name] = example;
}

/** The operations of a log by name: the common ones, then its own. */
function routesOf(log: Log): Record<string, Route> {
  const get = (path: string, operation: Operation): Route => ({
    path,
    method: "get",
    operation,
  });
  const common: Record<OperationName, Route> = {
    list: get("", listOperation(log)),
    record: { path: "", method: "post", operation: recordOperation(log) },
    summarise: get("/summary", summaryOperation(log)),
    describe: get("/openapi.json", describeOperation(log)),
    fetch: get("/{id}", fetchOperation(log)),
  };
  return { ...common, ...ownParts(log).routes(log) };
}

/** The parts of a log's document that other logs do not have. */
type OwnParts = {
  /** Operations by name. */
  routes: (log: Log) => Record<string, Route>;
  examples: (log: Log) => Example[] | Promise<Example[]>;
  /** Request schemas by name. */
  requests: Record<string, z.ZodType>;
  /** Response schemas by name. */
  replies: Record<string, z.ZodType>;
};

const NONE: OwnParts = {
  routes: () => ({}),
  examples: () => [],
  requests: {},
  replies: {},
};

const OWN_PARTS: Record<string, OwnParts> = {
  "llm-usage": {
    routes: usageOperations,
    examples: usageExamples,
    requests: USAGE_REQUESTS,
    replies: USAGE_REPLIES,
  },
};

function ownParts({ slug }: Log): OwnParts {
  return OWN_PARTS[slug] ?? NONE;
}
