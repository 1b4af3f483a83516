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
  project: Project,
  path: string,
  body: unknown,
): Promise<unknown> {
  const answer = await send(project, path, {
    method: "POST",
    headers: { apikey: project.key, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const json = parseJson(answer.text);
  if (answer.isOk && json !== undefined) return json;
  throw explain(project, path, answer);
}

/**
 * Gets the text of a public path below a project's origin; null if the answer is 404.
 *
 * @throws {StackError} if the request fails.
 */
export async function getText(
  project: Project,
  path: string,
): Promise<string | null> {
  const answer = await send(project, path, {});
  if (answer.isOk) return answer.text;
  if (answer.status === 404) return null;
  throw explain(project, path, answer);
}

/** The answer to a request. */
type Answer = { isOk: boolean; status: number; text: string };

async function send(
  { url }: Project,
  path: string,
  options: RequestInit,
): Promise<Answer> {
  const signal = AbortSignal.timeout(60_000);
  const response = await fetch(`${url}${path}`, { ...options, signal })
    .catch(() => {
      throw new StackError(
        `Cannot reach ${url}: start the stack with npm start, or correct --url`,
      );
    });
  const text = await response.text().catch(() => {
    throw new StackError(
      `Cannot read the answer of ${url}: the connection was lost; try again`,
    );
  });
  return { isOk: response.ok, status: response.status, text };
}

function explain(
  { url }: Project,
  path: string,
  { status, text }: Answer,
): StackError {
  return new StackError(
    status === 401 || isPermissionDenied(text)
      ? `Cannot use ${url}: the key is not a secret key of it; set SUPABASE_SECRET_KEY`
      : `Cannot use ${url}: ${path} answered ${status}${
        describe(parseJson(text))
      }`,
  );
}

/** Whether PostgREST refused the role of the key (insufficient_privilege). */
function isPermissionDenied(text: string): boolean {
  return Object(parseJson(text)).code === "42501";
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
