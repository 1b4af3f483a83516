/** Seconds that a server whose owner has died may take to shut down. */
const PATIENCE_SECONDS = 10;

/**
 * Waits for a line, which dismisses it, or for the end of its input, which is the
 * end of its owner. A process of its own session in all but name: it ignores the
 * signals that a terminal sends to everyone, and its first shell exits at once, so
 * that it is not a child of its owner and survives it.
 */
const SCRIPT = `
trap '' INT TERM HUP
exec 3<&0
(
  if read -r _ <&3; then exit; fi
  kill -INT "$1"
  tries=${PATIENCE_SECONDS}0
  while [ $tries -gt 0 ] && kill -0 "$1"; do sleep 0.1; tries=$((tries - 1)); done
  if [ -n "$2" ]; then rm -rf "$2" || { sleep 1; rm -rf "$2"; }; fi
) >/dev/null 2>&1 &
`;

/**
 * Sees to it that the server with this process id does not outlive this process,
 * however it ends, SIGKILL included: the server is then shut down and `dir`
 * removed. The function that it returns calls the guard off.
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
