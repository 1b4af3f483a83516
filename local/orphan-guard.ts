/** The shutdown timeout of an orphaned server, in seconds. */
const SHUTDOWN_SECONDS = 10;

/**
 * Waits for a line on its input, which dismisses it, or for the end of its input, which
 * is the end of its owner. It ignores a terminal's signals, and its first shell exits at
 * once, so that it is not a child of its owner and outlives it.
 */
const SCRIPT = `
trap '' INT TERM HUP
exec 3<&0
(
  if read -r _ <&3; then exit; fi
  kill -INT "$1"
  tries=${SHUTDOWN_SECONDS}0
  while [ $tries -gt 0 ] && kill -0 "$1"; do sleep 0.1; tries=$((tries - 1)); done
  if [ -n "$2" ]; then rm -rf "$2" || { sleep 1; rm -rf "$2"; }; fi
) >/dev/null 2>&1 &
`;

/**
 * Starts a guard that shuts the server down and removes `dir` when this process ends,
 * by SIGKILL too.
 *
 * @returns Dismisses the guard.
 */
export async function guardAgainstOrphan(
  pid: number,
  dir?: string,
): Promise<() => Promise<void>> {
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", SCRIPT, "orphan-guard", String(pid), dir ?? ""],
    cwd: "/",
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await child.status;
  return async () => {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("dismissed\n"));
    await writer.close();
  };
}
