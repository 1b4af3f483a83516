/**
 * `/functions/v1/<name>`: the functions of a stack, the check of `verify_jwt`, and the
 * request as a function sees it. Source: the Supabase CLI's main worker (3.1.0) and the
 * platform's list of error codes.
 */
import { decodeProtectedHeader } from "jose";
import { type RefusalCode, refuse } from "./error-responses.ts";
import type { FunctionOutput } from "./function-messages.ts";
import { FunctionError, FunctionProcess, oneLine } from "./function-process.ts";
import type { ApiKeys } from "./keys.ts";
import type { FunctionConfig } from "./project-config.ts";
import { readBearer, type Tokens } from "./tokens.ts";

/** The dependencies of the functions of a stack. */
export interface FunctionsOptions {
  functions: Map<string, FunctionConfig>;
  /** Environment of every function, to which its slug is added. */
  env: Record<string, string>;
  /** Folders that the functions may read, for their modules. */
  sources: readonly string[];
  keys: ApiKeys;
  tokens: Tokens;
  /** Receives the functions' output. */
  log: (output: FunctionOutput) => void;
}

/** The functions of one stack. */
export interface Functions {
  /** Answers a request whose path starts with `/functions/v1`. */
  fetch(request: Request): Promise<Response>;
  /** Starts every worker; a failure is logged, and the next request tries again. */
  boot(): Promise<void>;
  stop(): void;
}

const PREFIX = "/functions/v1/";
/** The gateway's internal header for an API key, which clients must not set. */
const INTERNAL_KEY_HEADER = "sb-api-key";

/** Creates the functions without starting them. */
export function createFunctions(
  { functions, env, sources, keys, tokens, log }: FunctionsOptions,
): Functions {
  const running = new Map(
    [...functions.values()].map((config) => [config.slug, {
      config,
      process: new FunctionProcess({
        slug: config.slug,
        entrypoint: config.entrypoint,
        env: { ...env, SUPABASE_FUNCTION_SLUG: config.slug },
        sources,
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
      return await found.process.fetch(toFunctionRequest(request, url));
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

/** The request as a function sees it: at `/<name>/…`. */
function toFunctionRequest(request: Request, url: URL): Request {
  const headers = new Headers(request.headers);
  headers.delete(INTERNAL_KEY_HEADER);
  const seen = new URL(url.pathname.slice(PREFIX.length - 1), url.origin);
  seen.search = url.search;
  return new Request(seen, {
    method: request.method,
    headers,
    body: request.body,
  });
}
