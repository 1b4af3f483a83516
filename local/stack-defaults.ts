/** Defaults of a stack. */
import { fromFileUrl } from "@std/path/from_file_url.js";

/** The port of `supabase start`. */
export const DEFAULT_PORT = 54321;

/** The root of this project. */
export const PROJECT_DIR: string = fromFileUrl(new URL("..", import.meta.url))
  .replace(/[\\/]$/, "");

/** The folder of a stack's data and signing key. */
export function defaultDataDir(projectDir = PROJECT_DIR): string {
  return `${projectDir}/.local`;
}
