/**
 * `/functions/v1/<name>`: which functions exist, who may call them, and what they
 * see of the request. Source: the Supabase CLI's main worker (3.1.0) and the
 * platform's list of error codes.
 */
import { decodeProtectedHeader } from "jose";
import { type RefusalCode, refuse } from "./error-responses.ts";
import type { FunctionOutput } from "./function-messages.ts";
import { FunctionError, FunctionProcess, oneLine } from "./function-process.ts";
import type { ApiKeys } from "./keys.ts";
import type { FunctionConfig } from "./project-config.ts";
import { readBearer, type Tokens } from "./tokens.ts";

/** What the functions of one stack run on. */
export interface FunctionsOptions {
  functions: Map<string, FunctionConfig>;
  /** Environment of every function; each also gets its own slug. */
  env: Record<string, string>;
  keys: ApiKeys;
  tokens: Tokens;
  /** Takes what the functions say. */
  log: (output: FunctionOutput) => void;
}

/** The functions of one stack. */
export interface Functions {
  /** Answers a request whose path starts with `/functions/v1`. */
  fetch(request: Request): Promise<Response>;
  /** Starts every worker; one that fails is reported and tried again at its next request. */
  boot(): Promise<void>;
  stop(): void;
}

const PREFIX = "/functions/v1/";
/** The header in which the platform's gateway passes an API key inside; never the client's. */
const INTERNAL_KEY_HEADER = "sb-api-key";

/** Sets the functions up without starting them. */
export function createFunctions(
  { functions, env, keys, tokens, log }: FunctionsOptions,
): Functions {
  const running = new Map(
    [...functions.values()].map((config) => [config.slug, {
      config,
      process: new FunctionProcess({
        slug: config.slug,
        entrypoint: config.entrypoint,
        env: { ...env, SUPABASE_FUNCTION_SLUG: config.slug },
        log,
      }),
    }]),
  );

  async function fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const [slug] = url.pathname.slice(PREFIX.length).split("/", 1);
    const found = running.get(slug);
    if (!found) return refuse("NOT_FOUND");
    if (found.config.verifyJwt && request.method !== "OPTIONS") {
      const refusal = await checkCaller(request.headers, keys, tokens);
      if (refusal) return refuse(refusal);
    }
    try {
      return await found.process.fetch(showToFunction(request, url));
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error;
      console.error(
        `Function ${slug}: ${error.code}: ${oneLine(error.message)}`,
      );
      return refuse(error.code);
    }
  }

  async function boot(): Promise<void> {
    await Promise.all([...running].map(async ([slug, { process }]) => {
      try {
        await process.boot();
      } catch (error) {
        const { message } = error as Error;
        console.error(`Function ${slug} does not start: ${oneLine(message)}`);
      }
    }));
  }

  return {
    fetch,
    boot,
    stop: () => running.forEach(({ process }) => process.stop()),
  };
}

/** The platform's check under `verify_jwt`: a user's token, or any API key. */
async function checkCaller(
  headers: Headers,
  keys: ApiKeys,
  tokens: Tokens,
): Promise<RefusalCode | undefined> {
  const apikey = headers.get("apikey");
  const bearer = readBearer(headers);
  if (!headers.has("authorization") && !apikey) {
    return "UNAUTHORIZED_NO_AUTH_HEADER";
  }
  if (!bearer || bearer.startsWith("sb_")) {
    const known = keys.kindOf(bearer) ?? keys.kindOf(apikey);
    return known ? undefined : "UNAUTHORIZED_INVALID_JWT_FORMAT";
  }
  try {
    const { alg } = decodeProtectedHeader(bearer);
    if (alg !== "ES256") return "UNAUTHORIZED_UNSUPPORTED_TOKEN_ALGORITHM";
  } catch {
    return "UNAUTHORIZED_INVALID_JWT_FORMAT";
  }
  try {
    await tokens.verify(bearer);
  } catch {
    return "UNAUTHORIZED_ASYMMETRIC_JWT";
  }
}

/** The same request at `/<name>/…`, which is the path that a function sees. */
function showToFunction(request: Request, url: URL): Request {
  const headers = new Headers(request.headers);
  headers.delete(INTERNAL_KEY_HEADER);
  const shown = new URL(url.pathname.slice(PREFIX.length - 1), url.origin);
  shown.search = url.search;
  return new Request(shown, {
    method: request.method,
    headers,
    body: request.body,
  });
}
