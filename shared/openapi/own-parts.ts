import type * as z from "zod";
import type { Log } from "../logs/log.ts";
import type { Example } from "./example.ts";
import type { Route } from "./operation.ts";
import { usageExamples } from "./usage-examples.ts";
import { usageOperations } from "./usage-operations.ts";
import { USAGE_REPLIES, USAGE_REQUESTS } from "./usage-schemas.ts";

/** What the document of a log has beyond that of every log. */
export type OwnParts = {
  /** Operations by name. */
  routes: (log: Log) => Record<string, Route>;
  examples: (log: Log) => Example[] | Promise<Example[]>;
  /** Schemas of what is sent, by name. */
  requests: Record<string, z.ZodType>;
  /** Schemas of what is answered, by name. */
  replies: Record<string, z.ZodType>;
};

const NONE: OwnParts = {
  routes: () => ({}),
  examples: () => [],
  requests: {},
  replies: {},
};

const OWN_PARTS: Record<string, OwnParts> = {
  "llm-usage": {
    routes: usageOperations,
    examples: usageExamples,
    requests: USAGE_REQUESTS,
    replies: USAGE_REPLIES,
  },
};

/** What a log's document has of its own. */
export function ownParts({ slug }: Log): OwnParts {
  return OWN_PARTS[slug] ?? NONE;
}
