import { MAX_AUDIT_METADATA_ISSUES } from "../limits.ts";
import type { MetadataIssue } from "./audit-metadata.ts";
import { findContentIssues } from "./content.ts";
import { classifyKey } from "./key-names.ts";

/** The least number with as many digits as the shortest identifier, Aadhaar. */
const LEAST_IDENTIFIER = 100_000_000_000;

const VALUE_OPTIONS = { allowsAmounts: true, remedy: "leave it out" };
const KEY_OPTIONS = { ...VALUE_OPTIONS, prefix: "a key here " };

/** A value with its path; the path ends above a key with sensitive content. */
interface Located {
  path: (string | number)[];
  value: unknown;
}

/**
 * The issues of the metadata of a model report, none when it is acceptable: JSON of any
 * shape whose keys and values have no secrets (`findSecret`) and no numbers that identify
 * a card, an account or a person (`searchIdentifiers`), and whose keys do not name
 * credentials, unless their value is a boolean or null. Amounts of money are acceptable,
 * because models have prices.
 *
 * At most `MAX_AUDIT_METADATA_ISSUES`. The caller bounds the size; the depth is not bounded
 * here, because the walk does not recurse.
 */
export function checkModelMetadata(
  metadata: Record<string, unknown>,
): MetadataIssue[] {
  const issues: MetadataIssue[] = [];
  const open: Located[] = [{ path: [], value: metadata }];
  for (let next; (next = open.shift());) {
    const { path, value } = next;
    if (issues.length >= MAX_AUDIT_METADATA_ISSUES) break;
    if (typeof value === "object" && value !== null) {
      open.push(...listMembers(value, path, issues));
      continue;
    }
    const text = typeof value === "number" ? digitsOf(value) : value;
    if (typeof text !== "string") continue;
    issues.push(
      ...findContentIssues(text, VALUE_OPTIONS)
        .map((issue) => ({ path, ...issue })),
    );
  }
  return issues.slice(0, MAX_AUDIT_METADATA_ISSUES);
}

/** The members of an object or array; adds the issues of its keys. */
function listMembers(
  container: object,
  path: (string | number)[],
  issues: MetadataIssue[],
): Located[] {
  if (Array.isArray(container)) {
    return container.map((value, index) => ({ path: [...path, index], value }));
  }
  return Object.entries(container).map(([key, value]) => {
    const content = findContentIssues(key, KEY_OPTIONS);
    issues.push(...content.map((issue) => ({ path, ...issue })));
    const below = content.length > 0 ? path : [...path, key];
    if (isCredential(key, value)) {
      const detail =
        "has a key that names an account or a credential; send a reference ending in _id or _ids";
      issues.push({ path: below, code: "sensitive_key", detail });
    }
    return { path: below, value };
  });
}

function isCredential(key: string, value: unknown): boolean {
  return value !== null && typeof value !== "boolean" &&
    classifyKey(key) === "credential";
}

function digitsOf(number: number): string | undefined {
  return Number.isSafeInteger(number) && Math.abs(number) >= LEAST_IDENTIFIER
    ? String(Math.abs(number))
    : undefined;
}
