import type { Log } from "../logs/log.ts";

/** What a log is called in the names of schemas and operations: `LlmUsage`. */
export function nameOf({ slug }: Log): string {
  return slug.split("-")
    .map((word) => word[0].toUpperCase() + word.slice(1))
    .join("");
}
