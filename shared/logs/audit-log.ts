import * as z from "zod";
import {
  MAX_AUDIT_METADATA_BYTES,
  MAX_AUDIT_METADATA_DEPTH,
  MAX_AUDIT_METADATA_KEYS,
  MAX_AUDIT_METADATA_STRING_LENGTH,
} from "../limits.ts";
import { checkAuditMetadata } from "../redaction/audit-metadata.ts";
import {
  ipAddress,
  name,
  setByServer,
  text,
  timestamp,
  uuid,
} from "./fields.ts";
import { defineLog, erasable, plain, reference } from "./log.ts";

const METADATA =
  `References and counts, never financial data: at most ${MAX_AUDIT_METADATA_BYTES} bytes of JSON, ${MAX_AUDIT_METADATA_DEPTH} levels and ${MAX_AUDIT_METADATA_KEYS} keys; strings of at most ${MAX_AUDIT_METADATA_STRING_LENGTH} characters, integers, booleans and null`;

const event = z.strictObject({
  id: uuid().optional(),
  firm_id: uuid(),
  user_id: uuid().optional(),
  action: name(128),
  entity_type: name(128),
  entity_id: uuid().optional(),
  metadata: z.unknown().superRefine((value, context) => {
    for (const { path, code, detail } of checkAuditMetadata(value)) {
      context.addIssue({
        code: "custom",
        path,
        message: detail,
        params: { code },
      });
    }
  }).meta({
    type: "object",
    additionalProperties: {},
    description: METADATA,
  }).optional(),
  ip_address: ipAddress().optional(),
  created_at: timestamp().optional(),
});

/** Who did what to which entity of a firm. */
export const auditLog = defineLog({
  description: "Who did what to which entity of a firm",
  table: "audit_log",
  slug: "audit",
  columns: Object.keys(event.shape),
  leaf: [
    plain("firm_id", "uuid"),
    reference("user_id"),
    plain("action", "text"),
    plain("entity_type", "text"),
    erasable("entity_id", "uuid"),
    erasable("metadata", "jsonb"),
    erasable("ip_address", "text"),
    plain("created_at", "timestamptz"),
  ],
  timeColumn: "created_at",
  event,
  example: {
    id: "70000000-0000-4000-8000-000000000001",
    firm_id: "10000000-0000-4000-8000-000000000001",
    user_id: "20000000-0000-4000-8000-000000000001",
    action: "create_project",
    entity_type: "cma_project",
    entity_id: "30000000-0000-4000-8000-000000000001",
    metadata: { file_count: 3 },
    ip_address: "2001:db8::1",
    created_at: "2026-01-31T12:00:00.123456+00:00",
  },
  filters: {
    firm_id: uuid(),
    user_id: uuid(),
    action: text(128),
    entity_type: text(128),
    entity_id: uuid(),
  },
  minimums: {},
  groups: ["action", "entity_type", "user_id", "firm_id"],
  urlDefaults: ["firm_id", "user_id"],
  userWrites: {
    event: event.extend({
      firm_id: uuid().optional(),
      user_id: setByServer("to the signed-in user"),
      ip_address: setByServer("to the address of the request"),
      created_at: setByServer("to the time of recording"),
    }),
    attributed: true,
    addressColumn: "ip_address",
  },
});
