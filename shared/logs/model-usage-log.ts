import * as z from "zod";
import { MAX_MODEL_METADATA_BYTES } from "../limits.ts";
import {
  booleanParameter,
  name,
  setByServer,
  text,
  timestamp,
  uuid,
} from "./fields.ts";
import { checkModelMetadata } from "../redaction/model-metadata.ts";
import { defineLog, erasable, plain } from "./log.ts";

const phase = z.enum(
  ["LEAD", "PLAN", "EXEC", "UNKNOWN"],
  "Expected LEAD, PLAN, EXEC or UNKNOWN",
);

const event = z.strictObject({
  id: uuid().optional(),
  session_id: name(256).optional(),
  sd_id: name(256).optional(),
  phase: phase.optional(),
  subagent_type: name(256).optional(),
  subagent_configured_model: name(256).optional(),
  reported_model_name: name(256),
  reported_model_id: name(256),
  config_matches_reported: z.boolean("Expected true or false")
    .describe("When left out, computed if subagent_configured_model is sent")
    .optional(),
  captured_at: timestamp().optional(),
  metadata: z.record(z.string(), z.unknown(), "Expected an object")
    .refine(
      (value) =>
        new TextEncoder().encode(JSON.stringify(value)).length <=
          MAX_MODEL_METADATA_BYTES,
      {
        error: `Expected at most ${MAX_MODEL_METADATA_BYTES} bytes of JSON`,
        abort: true,
      },
    ).superRefine((value, context) => {
      for (const { path, code, detail } of checkModelMetadata(value)) {
        context.addIssue({
          code: "custom",
          path,
          message: detail,
          params: { code },
        });
      }
    }).describe(
      `At most ${MAX_MODEL_METADATA_BYTES} bytes of JSON, without secrets and numbers of cards, accounts and persons`,
    ).optional(),
});

/** Which model a session or sub-agent reported, against the configured one. */
export const modelUsageLog = defineLog({
  description:
    "Which model a session or sub-agent reported, against the configured one",
  table: "model_usage_log",
  slug: "model-usage",
  columns: Object.keys(event.shape),
  leaf: [
    plain("session_id", "text"),
    plain("sd_id", "text"),
    plain("phase", "text"),
    plain("subagent_type", "text"),
    plain("subagent_configured_model", "text"),
    plain("reported_model_name", "text"),
    plain("reported_model_id", "text"),
    plain("config_matches_reported", "boolean"),
    plain("captured_at", "timestamptz"),
    erasable("metadata", "jsonb"),
  ],
  timeColumn: "captured_at",
  event,
  example: {
    id: "70000000-0000-4000-8000-000000000001",
    session_id: "session-7",
    phase: "EXEC",
    subagent_type: "code-reviewer",
    subagent_configured_model: "claude-sonnet-4-5",
    reported_model_name: "Claude Haiku 4.5",
    reported_model_id: "claude-haiku-4-5-20251001",
    config_matches_reported: false,
    captured_at: "2026-01-31T12:00:00.123456+00:00",
    metadata: { turn: 3 },
  },
  userWrites: {
    event: event.extend({
      captured_at: setByServer("to the time of recording"),
    }),
    attributed: false,
  },
  filters: {
    session_id: text(256),
    sd_id: text(256),
    phase,
    subagent_type: text(256),
    subagent_configured_model: text(256),
    reported_model_name: text(256),
    reported_model_id: text(256),
    config_matches_reported: booleanParameter(),
  },
  minimums: {},
  groups: ["phase", "subagent_type", "reported_model_id"],
  urlDefaults: ["session_id", "sd_id", "phase", "subagent_type"],
  derive(event) {
    const { subagent_configured_model: configured } = event;
    if (
      typeof configured !== "string" ||
      event.config_matches_reported !== undefined
    ) return { stamped: {} };
    const config_matches_reported = [
      event.reported_model_name,
      event.reported_model_id,
    ].some((reported) => isSameModel(configured, String(reported)));
    return { stamped: { config_matches_reported } };
  },
});

/** The end of a snapshot's name: `-20250929`, `-2025-09-29`, `@20250929` or `-latest`. */
const SNAPSHOT = /[-@](?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$/;

/**
 * Whether two names denote the same model: equal after trimming and lower-casing, or
 * one is the other plus a date (`claude-sonnet-4-5` and `claude-sonnet-4-5-20250929`).
 * Two different dates are two models.
 */
export function isSameModel(first: string, second: string): boolean {
  const [a, b] = [first, second].map((name) => name.trim().toLowerCase());
  return a === b || a === b.replace(SNAPSHOT, "") ||
    a.replace(SNAPSHOT, "") === b;
}
