/**
 * What Lite says at the beginning of a transaction, one thing at a time with an
 * answer to each: begin, and a dozen settings. PostgREST says them in one statement.
 */

/** Runs a statement on one connection, after those that were run before. */
export type Run = (
  statement: string,
  parameters: unknown[],
) => Promise<unknown[]>;

const BEGIN = /^begin$/i;
const SETTING = /^(set local role |select set_config\()/i;

/** `select set_config(…)` of literals and nothing more, which is the whole match's group. */
const CONFIG =
  /^select (set_config\((?:[^'()]|E'(?:[^'\\]|''|\\.)*'|'[^'\\]*')*\))$/is;
const ROLE = /^set local role (?:"((?:[^"]|"")+)"|([a-z_]\w*))$/i;

/**
 * Holds the beginning of a transaction back until the first statement after it, and
 * then sends all of it without waiting in between, its settings as one select. The first statement fails with
 * what went wrong before it: in a transaction that was begun by itself, nothing that
 * follows a failure is run.
 */
export function joinPreamble(run: Run): Run {
  let held: string[] = [];
  return async (statement, parameters) => {
    // A setting that follows no begin is none of a transaction's beginning.
    const isHeld = held.length > 0 ? SETTING : BEGIN;
    if (isHeld.test(statement.trim())) {
      held.push(fillIn(statement, parameters));
      return Object.assign([], { command: "SELECT", count: 0 });
    }
    const [begin, ...settings] = held;
    held = [];
    const answers = [
      ...begin === undefined ? [] : [run(begin, [])],
      ...settings.length === 0 ? [] : [run(joinSettings(settings), [])],
      run(statement, parameters),
    ];
    const settled = await Promise.allSettled(answers);
    const failure = settled.find((one) => one.status === "rejected");
    if (failure) throw failure.reason;
    return await answers.at(-1)!;
  };
}

/** The settings as one script, in their order; neighbours become one select list. */
function joinSettings(settings: string[]): string {
  const statements: string[] = [];
  let list: string[] = [];
  const endList = () => {
    if (list.length > 0) statements.push(`select ${list.join(", ")}`);
    list = [];
  };
  for (const setting of settings) {
    const item = toItem(setting.trim());
    if (item !== undefined) {
      list.push(item);
      continue;
    }
    endList();
    statements.push(setting);
  }
  endList();
  return statements.join(";");
}

/** What sets the same in a select list, or undefined for what is not understood. */
function toItem(setting: string): string | undefined {
  const config = CONFIG.exec(setting);
  if (config) return config[1];
  const role = ROLE.exec(setting);
  if (!role) return undefined;
  const name = role[1]?.replaceAll('""', '"') ?? role[2].toLowerCase();
  return `set_config('role', ${quote(name)}, true)`;
}

/** A statement with its parameters in their places. */
function fillIn(statement: string, parameters: unknown[]): string {
  return statement.replace(
    /\$(\d+)/g,
    (_, number) => quote(parameters[number - 1]),
  );
}

/** A text as a literal that means the same whatever the server's settings are. */
function quote(value: unknown): string {
  if (value === null || value === undefined) return "null";
  const escaped = String(value).replaceAll("\\", "\\\\").replaceAll("'", "''");
  return `E'${escaped}'`;
}
