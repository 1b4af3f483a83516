import type { LogSlug } from "../../logs/index.ts";

/** A realistic delivery of one format, for trying an endpoint out. */
export type Sample = {
  /** Below `/functions/v1`, such as `webhooks/litellm`. */
  path: string;
  /** The format's own headers; neither a key nor a signature. */
  headers: Record<string, string>;
  body: string;
};

/** What a sample is made of, so that making one is pure. */
export type SampleSeed = {
  /** The log that the sample is for, in formats that can carry any. */
  log: LogSlug;
  now: Date;
  /** Makes a fresh UUID. */
  createId: () => string;
};

/** Makes a sample; refers to the demo world of supabase/seed.sql alone. */
export type CreateSample = (seed: SampleSeed) => Sample;

/** The demo world's firm, its user and its project. */
export const DEMO = {
  firm_id: "10000000-0000-4000-8000-000000000001",
  user_id: "20000000-0000-4000-8000-000000000001",
  cma_project_id: "30000000-0000-4000-8000-000000000001",
};

/** A sample that is JSON. */
export function createJsonSample(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Sample {
  return {
    path,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
}
