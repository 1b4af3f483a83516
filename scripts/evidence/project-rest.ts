import { GATEWAY_HOSTNAME } from "../../local/gateway.ts";
import { SECRET_KEY } from "../../local/keys.ts";
import { DEFAULT_PORT } from "../../local/stack-defaults.ts";
import { StackError } from "../../local/stack-error.ts";

/** A project: its origin, and a secret key. */
export interface Project {
  url: string;
  key: string;
}

/**
 * The project that a command is for: `--url`, or the local stack; its key is that
 * of SUPABASE_SECRET_KEY, or the local stack's own.
 */
export function readProject(url: string | undefined): Project {
  const port = Deno.env.get("PORT") || String(DEFAULT_PORT);
  const origin = (url ?? `http://${GATEWAY_HOSTNAME}:${port}`)
    .replace(/\/+$/, "");
  if (!/^https?:\/\/[^/]+$/.test(origin)) {
    throw new StackError(
      "Cannot use --url: expected the origin of a project, such as https://<ref>.supabase.co",
    );
  }
  return {
    url: origin,
    key: Deno.env.get("SUPABASE_SECRET_KEY") || SECRET_KEY,
  };
}

/**
 * Posts JSON below a project's origin and returns the JSON of the answer.
 *
 * @throws {StackError} in one sentence, when the request fails.
 */
export async function postJson(
  { url, key }: Project,
  path: string,
  body: unknown,
): Promise<unknown> {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { apikey: key, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(60_000),
  }).catch(() => {
    throw new StackError(`Cannot reach ${url}: is it running?`);
  });
  const text = await response.text().catch(() => {
    throw new StackError(`Cannot reach ${url}: the answer broke off`);
  });
  const answer = parseJson(text);
  if (response.ok && answer !== undefined) return answer;
  throw new StackError(
    response.status === 401 || response.status === 403
      ? `Cannot use ${url}: the key is not one of its secret keys; set SUPABASE_SECRET_KEY`
      : `Cannot use ${url}: ${path} answered ${response.status}${
        describe(answer)
      }`,
  );
}

/** What an answer says for people: a problem document's detail, PostgREST's message. */
function describe(answer: unknown): string {
  const { detail, message } = Object(answer) as Record<string, unknown>;
  const sentence = detail ?? message;
  return typeof sentence === "string" ? `: ${sentence}` : "";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
