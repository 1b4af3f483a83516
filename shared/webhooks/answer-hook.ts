import { answerAuthHook } from "../adapters/answer-auth-hook.ts";
import { keepOpen } from "../endpoint/request-notes.ts";
import type { Report } from "../endpoint/serve.ts";
import { AUTH_HOOK_TIMEOUT_MS } from "../limits.ts";

/**
 * Answers an Auth hook: with what lets Auth go on, whatever becomes of the event
 * and at the latest after `AUTH_HOOK_TIMEOUT_MS`, because a log must not lock
 * anybody out. `recording` goes on after that, and the request's line in the log
 * waits for it; that it is late, or that it failed, is reported.
 */
export async function answerHook(
  request: Request,
  text: string,
  recording: Promise<Response>,
  report: Report,
): Promise<Response> {
  const settled = reportFailure(recording, report);
  keepAlive(settled);
  keepOpen(request, settled);
  let timer;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      report(new Error("an Auth hook was answered before it was recorded"));
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
  report: Report,
): Promise<void> {
  try {
    const outcome = await recording;
    if (outcome.ok) return;
    const problem = await outcome.text();
    report(new Error(`an Auth hook was not recorded: ${problem}`));
  } catch (error) {
    report(error);
  }
}

/** The platform ends a function's worker once nothing is under way that it knows of. */
function keepAlive(task: Promise<void>): void {
  const { EdgeRuntime } = globalThis as {
    EdgeRuntime?: { waitUntil(task: Promise<void>): unknown };
  };
  EdgeRuntime?.waitUntil(task);
}
