/** The release of gitleaks whose rules are copied, and newer ones. */
import { pickNewer } from "../dependencies/newer-versions.ts";

/** The release of gitleaks that gitleaks.toml is from. */
export const UPSTREAM = {
  repository: "https://github.com/gitleaks/gitleaks",
  version: "8.30.1",
  commit: "83d9cd684c87d95d656c1458ef04895a7f1cbd8e",
  date: "2026-03-12",
} as const;

const TAG = /refs\/tags\/v(\d+\.\d+\.\d+)$/gm;

/** The newest release in the output of `git ls-remote --tags --refs`, if it is newer than the copied one. */
export function pickNewerRelease(listing: string): string | undefined {
  const published = Array.from(listing.matchAll(TAG), ([, version]) => version);
  const { compatible, major } = pickNewer(
    "gitleaks",
    UPSTREAM.version,
    published,
  );
  return major ?? compatible;
}

/** A sentence on the age of the copied rules; it says so if the repository is not reachable. */
export async function describeRelease(
  repository: string = UPSTREAM.repository,
): Promise<string> {
  const { success, stdout } = await new Deno.Command("git", {
    args: ["ls-remote", "--tags", "--refs", repository],
    env: { GIT_TERMINAL_PROMPT: "0" },
    stdout: "piped",
    stderr: "null",
  }).output();
  const current = `gitleaks ${UPSTREAM.version} (${UPSTREAM.date})`;
  if (!success) {
    return `The secret rules are of ${current}; cannot read the releases of ${repository}.`;
  }
  const newer = pickNewerRelease(new TextDecoder().decode(stdout));
  return newer === undefined
    ? `The secret rules are of ${current}, the newest release.`
    : `The secret rules are of ${current}; ${newer} is newer. See "Update packages" in CONTRIBUTING.md.`;
}
