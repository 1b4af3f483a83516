/**
 * Mutations of an evidence bundle, one at a time: members, and whole lines. Except for
 * the mutations of the line count, the last line is made to agree, as a forger would.
 *
 * @module
 */

/** A value of JSON. */
type Json = null | boolean | number | string | Json[] | Members;

/** An object of JSON. */
type Members = { [key: string]: Json };

/** A mutated bundle. */
export type Mutation = {
  /** The operation, such as `removed`. */
  operation: string;
  /** The kind of the line: `leaf`, `leaf without row`, `leaf with data`, … */
  kind: string;
  /** The member, such as `leaf.row.3`; empty for a whole line. */
  path: string;
  /** The index of the line. */
  at: number;
  lines: string[];
};

/** The kind of a line; members are swapped between lines of one kind. */
export function kindOf(line: string): string {
  const [[kind, value]] = Object.entries(JSON.parse(line)) as [string, Json][];
  if (kind !== "leaf" && kind !== "pending") return kind;
  const { data, row } = value as Members;
  if (data !== undefined) return `${kind} with data`;
  return row === undefined ? `${kind} without row` : kind;
}

/** Every mutation of the members of every line, at every depth. */
export function* mutateMembers(lines: readonly string[]): Generator<Mutation> {
  for (const [at, line] of lines.entries()) {
    for (const path of listPaths(parseLine(line))) {
      const mutation = { kind: kindOf(line), path: path.join("."), at };
      for (const [operation, text] of mutateMember(line, path)) {
        yield { ...mutation, operation, lines: lines.with(at, text) };
      }
      for (let other = at + 1; other < lines.length; other++) {
        const swapped = swapMember(line, lines[other], path);
        if (swapped === null) continue;
        const operation = `swapped with line ${other}`;
        const [one, another] = swapped;
        const mutated = lines.with(at, one).with(other, another);
        yield { ...mutation, operation, lines: mutated };
      }
    }
  }
}

/** Every mutation of whole lines. */
export function* mutateLines(
  lines: readonly string[],
  logs: readonly string[],
): Generator<Mutation> {
  for (const [at, line] of lines.entries()) {
    const mutation = { kind: kindOf(line), path: "", at };
    const removed = lines.toSpliced(at, 1);
    yield { ...mutation, operation: "removed", lines: removed };
    yield {
      ...mutation,
      operation: "removed, recounted",
      lines: count(removed),
    };
    yield {
      ...mutation,
      operation: "removed, renumbered",
      lines: renumber(count(removed)),
    };
    const twice = lines.toSpliced(at, 0, line);
    yield { ...mutation, operation: "duplicated", lines: twice };
    yield {
      ...mutation,
      operation: "duplicated, recounted",
      lines: count(twice),
    };
    yield {
      ...mutation,
      operation: "duplicated, renumbered",
      lines: renumber(count(twice)),
    };
    for (let other = at + 1; other < lines.length; other++) {
      const swapped = lines.with(at, lines[other]).with(other, line);
      const operation = `swapped with line ${other}`;
      yield { ...mutation, operation, lines: swapped };
      yield {
        ...mutation,
        operation: `${operation}, renumbered`,
        lines: renumber(swapped),
      };
    }
    for (const log of logs) {
      const moved = line.replace(/"log":"\w+"/, `"log":"${log}"`)
        .replace(/\\"public\.\w+\\"/, `\\"public.${log}\\"`);
      if (moved === line) continue;
      const operation = `moved to ${log}`;
      yield { ...mutation, operation, lines: lines.with(at, moved) };
    }
  }
}

/**
 * A line with texts opened that have a structure of their own: the data of a leaf and the
 * lines of a checkpoint are arrays in `opened`, which {@linkcode formatLine} joins.
 */
function parseLine(line: string): Members {
  const value = JSON.parse(line);
  const { data } = value.leaf ?? value.pending ?? {};
  if (data !== undefined) value.opened = JSON.parse(data);
  if (value.checkpoint) value.opened = value.checkpoint.split("\n");
  return value;
}

function formatLine({ opened, ...value }: Members, isOpen: boolean): string {
  if (!isOpen) return JSON.stringify(value);
  if (value.checkpoint !== undefined) {
    return JSON.stringify({ checkpoint: (opened as Json[]).join("\n") });
  }
  const leaf = (value.leaf ?? value.pending) as Members;
  leaf.data = JSON.stringify(opened);
  return JSON.stringify(value);
}

/** The keys and indexes that lead to every member. */
function* listPaths(value: Json, path: string[] = []): Generator<string[]> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    if (key !== "opened") yield [...path, key];
    yield* listPaths(member, [...path, key]);
  }
}

/** A line with a member removed, null, in another value, and twice. */
function* mutateMember(
  line: string,
  path: string[],
): Generator<[operation: string, text: string]> {
  const value = readMember(line, path);
  yield ["removed", writeMember(line, path, [])];
  if (value !== null) yield ["null", writeMember(line, path, [null])];
  for (const other of listOthers(value)) {
    const name = JSON.stringify(other);
    yield [`changed to ${name}`, writeMember(line, path, [other])];
    yield [
      `duplicated before ${name}`,
      writeMember(line, path, [value, other]),
    ];
    yield [`duplicated after ${name}`, writeMember(line, path, [other, value])];
  }
  yield ["duplicated", writeMember(line, path, [value, value])];
}

/** Other values of the same form. */
function listOthers(value: Json): Json[] {
  if (value === null) return ["", "0".repeat(32)];
  if (Array.isArray(value)) return [[], [...value, null]];
  switch (typeof value) {
    case "number":
      return [value + 1, value - 1, String(value)];
    case "string":
      return [...new Set([0, value.length >> 1, value.length - 1])]
        .map((at) =>
          value.slice(0, at) + changeCharacter(value.charAt(at)) +
          value.slice(at + 1)
        );
    default:
      return [{}];
  }
}

/** A character of the same class: a digit stays one. */
function changeCharacter(character: string): string {
  if (/\d/.test(character)) return String((Number(character) + 1) % 10);
  return character === "a" ? "b" : "a";
}

function readMember(line: string, path: string[]): Json {
  const { parent, key } = openParent(parseLine(line), path);
  return parent[key];
}

/** A line with these values of a member: none, one, or the member repeated. */
function writeMember(line: string, path: string[], values: Json[]): string {
  const root = parseLine(line);
  const { parent, key } = openParent(root, path);
  const isOpen = path[0] === "opened";
  if (Array.isArray(parent)) {
    parent.splice(Number(key), 1, ...values);
    return formatLine(root, isOpen);
  }
  if (values.length === 0) delete parent[key];
  else parent[key] = values.length === 1 ? values[0] : MARK;
  const texts = values.map((value) => JSON.stringify(value));
  return formatLine(root, isOpen).replace(
    JSON.stringify(MARK),
    () => texts.join(`,${JSON.stringify(key)}:`),
  );
}

/** Stands for the values of a repeated member. */
const MARK = "the values of a repeated member";

/** Two lines of one kind with a member exchanged; null if that changes neither. */
function swapMember(
  line: string,
  other: string,
  path: string[],
): [string, string] | null {
  if (kindOf(line) !== kindOf(other)) return null;
  const [value, another] = [line, other].map((text) => readMember(text, path));
  if (another === undefined) return null;
  return JSON.stringify(value) === JSON.stringify(another)
    ? null
    : [writeMember(line, path, [another]), writeMember(other, path, [value])];
}

function openParent(
  root: Members,
  path: string[],
): { parent: Members; key: string } {
  const parent = path.slice(0, -1)
    .reduce((value, key) => value?.[key] as Members, root) ?? {};
  return { parent, key: path.at(-1)! };
}

/** The lines with the count of the last line corrected. */
function count(lines: string[]): string[] {
  return lines.map((line, at) =>
    line.startsWith('{"end":') ? `{"end":{"lines":${at}}}` : line
  );
}

/** The lines with consecutive indexes of leaves. */
function renumber(lines: string[]): string[] {
  let index = 0;
  return lines.map((line) =>
    line.replace(/^\{"leaf":\{"index":\d+/, () => `{"leaf":{"index":${index++}`)
  );
}
