/** A second signal this soon is the same key press, passed on by npm. */
const SAME_PRESS_MS = 1000;
const EXIT_CODE_INTERRUPTED = 130;
/** How often to look whether npm's shell is still there, in milliseconds. */
const PARENT_CHECK_MS = 500;

/**
 * Resolves at the first SIGINT or SIGTERM. A later one means that stopping takes
 * too long for someone, and ends the process at once.
 */
export function onStopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined;
    const handle = () => {
      first ??= Date.now();
      if (Date.now() - first > SAME_PRESS_MS) Deno.exit(EXIT_CODE_INTERRUPTED);
      resolve();
    };
    Deno.addSignalListener("SIGINT", handle);
    // Windows knows no SIGTERM.
    if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", handle);
    onNpmGone(resolve);
  });
}

/** npm passes SIGTERM to its shell alone, and the shell does not pass it on. */
function onNpmGone(stop: () => void): void {
  if (!Deno.env.has("npm_lifecycle_event")) return;
  const parent = Deno.ppid;
  const timer = setInterval(() => {
    if (Deno.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, PARENT_CHECK_MS);
}
