import { addIssue, type EventDraft, setMember } from "./drafts.ts";
import { findFirst, type Found, readPointer } from "./payload.ts";

/** Members that only the caller of a gateway knows → whether they are required. */
const CALLER_MEMBERS = {
  firm_id: true,
  task_type: true,
  cma_project_id: false,
};

/** Where a gateway's payload has the caller's members. */
export type CallerPlaces = {
  /** The pointers of metadata, by precedence. */
  metadata: readonly string[];
  /** The pointer of a list of tags `member:<value>`, which come last. */
  tags?: string;
  /** How to send a member with a call. */
  describe: (member: string) => string;
};

/**
 * Reads the members that only the caller knows, such as `firm_id`, unless the webhook's
 * URL has set them.
 */
export function readCaller(
  payload: unknown,
  places: CallerPlaces,
  draft: EventDraft,
): void {
  for (const [member, isRequired] of Object.entries(CALLER_MEMBERS)) {
    if (draft.event[member] !== undefined) continue;
    const pointers = places.metadata.map((base) => `${base}/${member}`);
    const found = findFirst(payload, pointers) ??
      findTag(payload, places.tags, member);
    if (found !== null) {
      setMember(draft, member, found.value, found.pointer);
    } else if (isRequired) {
      const detail = `Is required: ${
        places.describe(member)
      }, or put ?${member}=<value> into the webhook's URL`;
      addIssue(draft, pointers[0], "required", detail);
    }
  }
}

function findTag(
  payload: unknown,
  pointer: string | undefined,
  member: string,
): Found | null {
  const tags = pointer === undefined ? null : readPointer(payload, pointer);
  if (!Array.isArray(tags)) return null;
  const prefix = `${member}:`;
  for (const [index, tag] of tags.entries()) {
    if (typeof tag !== "string" || !tag.startsWith(prefix)) continue;
    const value = tag.slice(prefix.length).trim();
    if (value !== "") return { pointer: `${pointer}/${index}`, value };
  }
  return null;
}
