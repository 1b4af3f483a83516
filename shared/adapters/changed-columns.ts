import { isAcceptable } from "./audit-draft.ts";
import { isExactObject, toCanonicalJson } from "./exact-json.ts";
import type { JsonObject } from "./payload.ts";

/** Bytes of names, quotes and commas included, that fit beside the rest. */
const MAX_NAMES_BYTES = 6 * 1024;

/**
 * What an UPDATE changed, from the row before and after with exact numbers:
 * `{changed_columns, changed_column_count}`. For a row that came or went there is
 * nothing to compare: {}.
 *
 * The names are *values* in a list, so that the audit trail, whose keys must not
 * name money or credentials, takes `amount` and `salary`. A name that it does not
 * take for what it contains, and names beyond a size limit, are only counted:
 * `unlisted_column_count` says how many.
 */
export function describeChanges(before: unknown, after: unknown): JsonObject {
  if (!isExactObject(before) || !isExactObject(after)) return {};
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...names].filter((name) => isChanged(before, after, name))
    .sort();
  const listed = keepListable(changed);
  const unlisted = changed.length - listed.length;
  return {
    changed_columns: listed,
    changed_column_count: changed.length,
    ...unlisted > 0 && { unlisted_column_count: unlisted },
  };
}

function isChanged(
  before: JsonObject,
  after: JsonObject,
  name: string,
): boolean {
  if (!Object.hasOwn(before, name) || !Object.hasOwn(after, name)) return true;
  return toCanonicalJson(before[name]) !== toCanonicalJson(after[name]);
}

function keepListable(names: readonly string[]): string[] {
  let bytes = 0;
  return names.filter((name) => {
    if (!isAcceptable({ changed_columns: [name] })) return false;
    bytes += new TextEncoder().encode(JSON.stringify(name)).length + 1;
    return bytes <= MAX_NAMES_BYTES;
  });
}
