import * as z from "zod";
import { decidedByServer, flag, moment, text, uuid } from "./fields.ts";
import type { Log } from "./log.ts";
import { namesSameModel } from "./model-alias.ts";

/** Bytes of `metadata` as JSON. */
const MAX_METADATA_BYTES = 16 * 1024;

const phase = z.enum(
  ["LEAD", "PLAN", "EXEC", "UNKNOWN"],
  "Expected LEAD, PLAN, EXEC or UNKNOWN",
);

const event = z.strictObject({
  id: uuid().optional(),
  session_id: text(256).optional(),
  sd_id: text(256).optional(),
  phase: phase.optional(),
  subagent_type: text(256).optional(),
  subagent_configured_model: text(256).optional(),
  reported_model_name: text(256),
  reported_model_id: text(256),
  config_matches_reported: z.boolean("Expected true or false").optional(),
  captured_at: moment().optional(),
  metadata: z.record(z.string(), z.unknown(), "Expected an object")
    .refine(
      (value) =>
        new TextEncoder().encode(JSON.stringify(value)).length <=
          MAX_METADATA_BYTES,
      `Expected at most ${MAX_METADATA_BYTES} bytes of JSON`,
    ).optional(),
});

/** Which model a session or sub-agent reported, against the configured one. */
export const modelUsageLog: Log = {
  table: "model_usage_log",
  recordFunction: "record_model_usage_log",
  slug: "model-usage",
  columns: Object.keys(event.shape),
  timeColumn: "captured_at",
  event,
  userWrites: {
    event: event.extend({
      captured_at: decidedByServer("it is the time of recording"),
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
    config_matches_reported: flag(),
  },
  minimums: {},
  groups: ["phase", "subagent_type", "reported_model_id"],
  derive(sent) {
    const { subagent_configured_model: configured } = sent;
    if (
      typeof configured !== "string" ||
      sent.config_matches_reported !== undefined
    ) return {};
    return {
      config_matches_reported: [
        sent.reported_model_name,
        sent.reported_model_id,
      ]
        .some((reported) => namesSameModel(configured, String(reported))),
    };
  },
};
