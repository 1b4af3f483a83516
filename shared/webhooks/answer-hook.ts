import { answerAuthHook } from "../adapters/answer-auth-hook.ts";
import type { Context } from "../http/context.ts";
import { AUTH_HOOK_TIMEOUT_MS } from "../limits.ts";

/**
 * Answers an Auth hook so that Auth goes on, whatever the outcome of the event and
 * after `AUTH_HOOK_TIMEOUT_MS` at the latest: a log must not keep users from
 * logging in. `recording` continues after that, and the access-log entry waits for
 * it; the entry reports a late or failed recording.
 */
export async function answerHook(
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
  const { status, headers, body } = answerAuthHook(text);
  return new Response(body, { status, headers });
}

async function reportFailure(
  recording: Promise<Response>,
  ctx: Context,
): Promise<void> {
  try {
    const outcome = await recording;
    if (outcome.ok) return;
    const problem = await outcome.text();
    ctx.report(new Error(`an Auth hook was not recorded: ${problem}`));
  } catch (error) {
    ctx.report(error);
  }
}

/** The platform ends a worker once no response or registered task is pending. */
function keepAlive(task: Promise<void>): void {
  const { EdgeRuntime } = globalThis as {
    EdgeRuntime?: { waitUntil(task: Promise<void>): unknown };
  };
  EdgeRuntime?.waitUntil(task);
}
