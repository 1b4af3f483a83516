import { equalBytes } from "./encoding.ts";
import { parseVerifierKey, type VerifierKey } from "./keys.ts";

/** A witness of a policy; the name is local to the policy. */
export type PolicyWitness = { name: string; key: VerifierKey; url?: string };

/** A log of a policy; the name of its key is the log's origin. */
export type PolicyLog = { key: VerifierKey; url?: string };

/** At least `threshold` of the members, which are witnesses or groups. */
export type PolicyGroup = {
  name: string;
  threshold: number;
  members: readonly string[];
};

/**
 * Which checkpoints to trust (C2SP tlog-policy): signed by one of the logs and
 * cosigned by the quorum, which is the name of a witness or of a group.
 */
export type Policy = {
  logs: readonly PolicyLog[];
  witnesses: readonly PolicyWitness[];
  /** A group comes after its members. */
  groups: readonly PolicyGroup[];
  /** Null if no witness has to cosign. */
  quorum: string | null;
};

/** The policy as read so far. */
type PolicyDraft = {
  logs: PolicyLog[];
  witnesses: PolicyWitness[];
  groups: PolicyGroup[];
  quorum?: string | null;
  /** Names that already belong to a group. */
  members: Set<string>;
};

/** The predefined quorum that requires no cosignature. */
const NONE = "none";

/**
 * Parses a policy file (C2SP tlog-policy); `fault` completes "The policy …". Names
 * are compared without Unicode normalization.
 */
export function parsePolicy(
  content: string,
): { policy: Policy } | { fault: string } {
  // deno-lint-ignore no-control-regex -- a policy may not have them
  if (/[\x00-\x08\x0b-\x1f\x7f]/.test(content)) {
    return { fault: "has a control character other than tab and newline" };
  }
  if (content !== "" && !content.endsWith("\n")) {
    return { fault: "does not end with a newline" };
  }
  const draft: PolicyDraft = {
    logs: [],
    witnesses: [],
    groups: [],
    members: new Set(),
  };
  for (const [at, line] of content.split("\n").entries()) {
    const items = line.split(/[ \t]+/).filter((item) => item !== "");
    if (items.length === 0 || items[0].startsWith("#")) continue;
    const fault = readLine(items, draft);
    if (fault !== null) return { fault: `line ${at + 1} ${fault}` };
  }
  const { members: _, quorum, ...policy } = draft;
  return quorum === undefined
    ? { fault: "has no quorum line" }
    : { policy: { ...policy, quorum } };
}

/** Whether cosignatures of these witnesses, by name, satisfy the quorum. */
export function isQuorum(
  { groups, quorum }: Policy,
  cosigned: Iterable<string>,
): boolean {
  const satisfied = new Set(cosigned);
  for (const { name, threshold, members } of groups) {
    const count = members.filter((member) => satisfied.has(member)).length;
    if (count >= threshold) satisfied.add(name);
  }
  return quorum === null || satisfied.has(quorum);
}

function readLine(
  [keyword, ...items]: string[],
  draft: PolicyDraft,
): string | null {
  switch (keyword) {
    case "log":
      return readLog(items, draft);
    case "witness":
      return readWitness(items, draft);
    case "group":
      return readGroup(items, draft);
    case "quorum":
      return readQuorum(items, draft);
    default:
      return "does not start with log, witness, group or quorum";
  }
}

function readLog([vkey, url, ...more]: string[], { logs }: PolicyDraft) {
  if (vkey === undefined || more.length > 0) return "is not log <vkey> [<url>]";
  const parsed = parseVerifierKey(vkey);
  if ("fault" in parsed) return `has a key that ${parsed.fault}`;
  if (parsed.key.type !== "note") return "has a key of a witness";
  if (hasKey(logs, parsed.key)) return "repeats the public key of another log";
  logs.push({ key: parsed.key, ...url !== undefined && { url } });
  return null;
}

function readWitness([name, vkey, url, ...more]: string[], draft: PolicyDraft) {
  if (vkey === undefined || more.length > 0) {
    return "is not witness <name> <vkey> [<url>]";
  }
  const parsed = parseVerifierKey(vkey);
  if ("fault" in parsed) return `has a key that ${parsed.fault}`;
  if (parsed.key.type !== "cosignature") {
    return "has a key of a log";
  }
  if (isDefined(name, draft)) return "redefines a name";
  if (hasKey(draft.witnesses, parsed.key)) {
    return "repeats the public key of another witness";
  }
  draft.witnesses.push({
    name,
    key: parsed.key,
    ...url !== undefined && { url },
  });
  return null;
}

function readGroup([name, count, ...members]: string[], draft: PolicyDraft) {
  if (members.length === 0) return "is not group <name> all|any|<k> <name>...";
  const threshold = count === "all"
    ? members.length
    : count === "any"
    ? 1
    : /^[1-9]\d*$/.test(count)
    ? Number(count)
    : 0;
  if (threshold < 1 || threshold > members.length) {
    return "has a threshold that is not all, any or a number from 1 to its number of members";
  }
  if (isDefined(name, draft)) return "redefines a name";
  for (const member of members) {
    if (member === NONE || !isDefined(member, draft)) {
      return "has a member that is not defined above";
    }
    if (draft.members.has(member)) {
      return "has a member that already belongs to a group";
    }
    draft.members.add(member);
  }
  draft.groups.push({ name, threshold, members });
  return null;
}

function readQuorum([name, ...more]: string[], draft: PolicyDraft) {
  if (name === undefined || more.length > 0) return "is not quorum <name>";
  if (draft.quorum !== undefined) return "is a second quorum line";
  if (!isDefined(name, draft)) {
    return "names a witness or group that is not defined above";
  }
  draft.quorum = name === NONE ? null : name;
  return null;
}

function isDefined(name: string, { witnesses, groups }: PolicyDraft): boolean {
  return name === NONE ||
    [...witnesses, ...groups].some((defined) => defined.name === name);
}

function hasKey(
  known: readonly { key: VerifierKey }[],
  { publicKey }: VerifierKey,
): boolean {
  return known.some(({ key }) => equalBytes(key.publicKey, publicKey));
}
