import * as z from "zod";
import { checkAuditMetadata } from "../redaction/audit-metadata.ts";
import { addFault, type Draft } from "./draft.ts";

const ADDRESS = z.union([z.ipv4(), z.ipv6()]);

/**
 * An audit event's user, where the format carries it: the row may not exist for
 * the ledger (yet), so `metadata.actor_id` says the same.
 */
export const OPTIONAL_REFERENCES = ["user_id"];

/** A valid IPv4 or IPv6 address, or undefined: senders write "" for none. */
export function readAddress(value: unknown): string | undefined {
  return ADDRESS.safeParse(value).data;
}

/**
 * What names a kind of thing (`email`, `sso/saml`, `totp`), or undefined. Names,
 * addresses and numbers of people do not fit, and neither does a sentence.
 */
export function readKind(value: unknown): string | undefined {
  if (typeof value !== "string" || !/^[a-z][a-z_./-]{0,63}$/i.test(value)) {
    return undefined;
  }
  return isAcceptable({ kind: value }) ? value : undefined;
}

/** Whether the audit trail takes this metadata. */
export function isAcceptable(metadata: Record<string, unknown>): boolean {
  return checkAuditMetadata(metadata).length === 0;
}

/** Metadata without the members that are not known. */
export function keepKnown(
  metadata: Record<string, unknown>,
): Record<string, unknown> {
  const known = Object.entries(metadata)
    .filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(known);
}

/** Requires a firm, which `places` says how to give. */
export function requireFirm(
  draft: Draft,
  pointer: string,
  places: string,
): void {
  if (draft.event.firm_id !== undefined) return;
  const detail =
    `Is required: ${places}, or put ?firm_id=<uuid> into the webhook's URL`;
  addFault(draft, pointer, "required", detail);
}
