import { findFirst, type Found, readPointer } from "./payload.ts";

/** Where the caller's own metadata ends up in a StandardLoggingPayload. */
const METADATA = [
  "/metadata/spend_logs_metadata",
  "/metadata/requester_metadata",
  "/metadata",
];

const TAGS = "/request_tags";

/** Where to say a member that LiteLLM knows nothing about, for error messages. */
export function placesFor(member: string): string {
  return `send it with the call as metadata.spend_logs_metadata.${member} or as the tag ${member}:<value>, or put ?${member}=<value> into the webhook's URL`;
}

/** The pointer of a fault about a missing member. */
export function wantedAt(member: string): string {
  return `${METADATA[0]}/${member}`;
}

/**
 * A member that LiteLLM knows nothing about (`firm_id`), from where a caller can
 * put it: the metadata for spend logs, of the key or team or of the request, or
 * a tag `firm_id:<value>`. The first that says something counts.
 */
export function findCallerMember(
  payload: unknown,
  member: string,
): Found | null {
  const pointers = METADATA.map((base) => `${base}/${member}`);
  return findFirst(payload, pointers) ?? findTag(payload, member);
}

function findTag(payload: unknown, member: string): Found | null {
  const tags = readPointer(payload, TAGS);
  if (!Array.isArray(tags)) return null;
  const prefix = `${member}:`;
  for (const [index, tag] of tags.entries()) {
    if (typeof tag !== "string" || !tag.startsWith(prefix)) continue;
    const value = tag.slice(prefix.length).trim();
    if (value !== "") return { pointer: `${TAGS}/${index}`, value };
  }
  return null;
}
