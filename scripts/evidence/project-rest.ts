import { GATEWAY_HOSTNAME } from "../../local/gateway.ts";
import { SECRET_KEY } from "../../local/keys.ts";
import { DEFAULT_PORT } from "../../local/stack-defaults.ts";
import { StackError } from "../../local/stack-error.ts";

/** The origin and a secret key of a project. */
export interface Project {
  url: string;
  key: string;
}

/**
 * The project of `--url`, or the local stack, with the key SUPABASE_SECRET_KEY, or the
 * local stack's key.
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
 * @throws {StackError} if the request fails.
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
    throw new StackError(
      `Cannot reach ${url}: start the stack with npm start, or correct --url`,
    );
  });
  const text = await response.text().catch(() => {
    throw new StackError(
      `Cannot read the answer of ${url}: the connection was lost; try again`,
    );
  });
  const answer = parseJson(text);
  if (response.ok && answer !== undefined) return answer;
  throw new StackError(
    response.status === 401 || response.status === 403
      ? `Cannot use ${url}: the key is not a secret key of it; set SUPABASE_SECRET_KEY`
      : `Cannot use ${url}: ${path} answered ${response.status}${
        describe(answer)
      }`,
  );
}

/** The detail of a problem document, or PostgREST's message. */
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
