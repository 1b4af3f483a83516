/** Defaults of a stack. */
import { fromFileUrl } from "@std/path/from_file_url.js";

/** The port of `supabase start`. */
export const DEFAULT_PORT = 54321;

/** This project: the folder above this one. */
export const PROJECT_DIR: string = fromFileUrl(new URL("..", import.meta.url))
  .replace(/[\\/]$/, "");

/** Where a project's stack keeps its data and its signing key. */
export function defaultDataDir(projectDir = PROJECT_DIR): string {
  return `${projectDir}/.local`;
}
