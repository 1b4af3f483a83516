/** The release of gitleaks that gitleaks.toml is from. */
export const UPSTREAM = {
  repository: "https://github.com/gitleaks/gitleaks",
  version: "8.30.1",
  commit: "83d9cd684c87d95d656c1458ef04895a7f1cbd8e",
  date: "2026-03-12",
} as const;
