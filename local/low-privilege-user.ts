/** The account that stands in for root, since PostgreSQL refuses to run as root. */
const ACCOUNT = "nobody";

/**
 * User and group id to start PostgreSQL with: of `nobody` in /etc/passwd when this
 * process is root, undefined (stay who we are) otherwise.
 */
export async function lowPrivilegeUser(): Promise<
  { uid: number; gid: number } | undefined
> {
  if (Deno.uid() !== 0) return undefined;
  const passwd = await Deno.readTextFile("/etc/passwd");
  const entry = passwd.split("\n").find((line) =>
    line.startsWith(`${ACCOUNT}:`)
  );
  if (!entry) {
    throw new Error(
      `Cannot start PostgreSQL as root: /etc/passwd has no user "${ACCOUNT}" to run it as`,
    );
  }
  const [, , uid, gid] = entry.split(":");
  // macOS writes the ids of nobody as -2, which the kernel takes as unsigned.
  return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
}
