import * as z from "zod";
import { checkAuditMetadata } from "../sensitive/audit-metadata.ts";
import { decidedByServer, moment, text, uuid } from "./fields.ts";
import type { Log } from "./log.ts";

const event = z.strictObject({
  id: uuid().optional(),
  firm_id: uuid(),
  user_id: uuid().optional(),
  action: text(128),
  entity_type: text(128),
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
  }).optional(),
  ip_address: z.union(
    [z.ipv4(), z.ipv6()],
    "Expected an IPv4 or IPv6 address",
  ).optional(),
  created_at: moment().optional(),
});

/** Who did what to which entity of a firm. */
export const auditLog: Log = {
  table: "audit_log",
  recordFunction: "record_audit_log",
  slug: "audit",
  columns: Object.keys(event.shape),
  timeColumn: "created_at",
  event,
  filters: {
    firm_id: uuid(),
    user_id: uuid(),
    action: text(128),
    entity_type: text(128),
    entity_id: uuid(),
  },
  minimums: {},
  groups: ["action", "entity_type", "user_id", "firm_id"],
  userWrites: {
    event: event.extend({
      firm_id: uuid().optional(),
      user_id: decidedByServer("it is the signed-in user"),
      ip_address: decidedByServer("it is the address of the request"),
      created_at: decidedByServer("it is the time of recording"),
    }),
    attributed: true,
    addressColumn: "ip_address",
  },
};
