import type { Context } from "../http/context.ts";
import { isExactObject, parseExactJson } from "../http/json.ts";
import { ProblemError } from "../http/problem.ts";
import { AUTH_HOOK_TIMEOUT_MS } from "../limits.ts";

/**
 * Answers an Auth hook so that Auth continues, whatever the outcome of the event and
 * after `AUTH_HOOK_TIMEOUT_MS` at the latest: a log must not block logins.
 * `recording` continues after that; the access-log entry waits for it and reports a
 * late or failed recording.
 */
export async function respondToAuthHook(
  ctx: Context,
  text: string,
  recording: Promise<Response>,
): Promise<Response> {
  const settled = reportFailure(recording, ctx);
  keepAlive(settled);
  ctx.keepOpen(settled);
  let timer;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      ctx.report(new Error("an Auth hook was answered before it was recorded"));
      resolve();
    }, AUTH_HOOK_TIMEOUT_MS);
  });
  await Promise.race([settled, late]);
  clearTimeout(timer);
  const { status, headers, body } = createHookResponse(text);
  return new Response(body, { status, headers });
}

async function reportFailure(
  recording: Promise<Response>,
  ctx: Context,
): Promise<void> {
  try {
    const outcome = await recording;
    if (!outcome.ok) throw new ProblemError(await outcome.json());
  } catch (cause) {
    ctx.report(new Error("an Auth hook was not recorded", { cause }));
  }
}

/** The platform stops a worker that has neither a pending response nor a registered task. */
function keepAlive(task: Promise<void>): void {
  const { EdgeRuntime } = globalThis as {
    EdgeRuntime?: { waitUntil(task: Promise<void>): unknown };
  };
  EdgeRuntime?.waitUntil(task);
}

/** Auth expects 200 with JSON; any other status fails the user's request. */
type HookResponse = {
  status: 200;
  headers: { "content-type": "application/json" };
  body: string;
};

/**
 * The answer with which Auth continues as without a hook. The shape of the payload
 * decides, because older versions of Auth do not name the hook:
 *
 * - custom access token (`claims`): the same claims, digit for digit. Auth signs
 *   the claims of the answer; without them every login would fail.
 * - password or MFA verification (`valid`): `{"decision": "continue"}`.
 * - send email or SMS (`email_data`, `sms`): an error. This endpoint delivers no
 *   messages, and a success would lock users out silently.
 * - anything else, or a body that is not JSON: `{}`.
 *
 * Every request with a valid signature gets this answer. Auth waits five seconds for
 * all its attempts together, and an outage of a synchronous hook blocks the login; a
 * Database Webhook on `auth.audit_log_entries` is asynchronous and blocks none.
 */
export function createHookResponse(text: string): HookResponse {
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(createBody(parse(text))),
  };
}

function createBody(payload: unknown): unknown {
  if (!isExactObject(payload)) return {};
  if (isExactObject(payload.claims)) return { claims: payload.claims };
  if (typeof payload.valid === "boolean") return { decision: "continue" };
  if (isExactObject(payload.email_data) || isExactObject(payload.sms)) {
    const message =
      "This project's Auth hook records events and sends no messages";
    return { error: { http_code: 500, message } };
  }
  return {};
}

function parse(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return null;
  }
}
