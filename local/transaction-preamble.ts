/**
 * Batches the start of Lite's transactions: begin and a dozen settings, each a round
 * trip. PostgREST sends them as one statement.
 */

/** Runs a statement on one connection, after the earlier ones. */
export type Run = (
  statement: string,
  parameters: unknown[],
) => Promise<unknown[]>;

const BEGIN = /^begin$/i;
const SETTING = /^(set local role |select set_config\()/i;

/** `select set_config(…)` of literals only; the group is the call. */
const CONFIG =
  /^select (set_config\((?:[^'()]|E'(?:[^'\\]|''|\\.)*'|'[^'\\]*')*\))$/is;
const ROLE = /^set local role (?:"((?:[^"]|"")+)"|([a-z_]\w*))$/i;

/**
 * Holds the start of a transaction until its first statement, and then pipelines begin,
 * the settings as one select, and the statement. The statement fails with the first
 * error of them: PostgreSQL runs nothing after a failure in a transaction.
 */
export function joinPreamble(run: Run): Run {
  let held: string[] = [];
  return async (statement, parameters) => {
    // A setting without a begin before it does not start a transaction.
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
    const results = await Promise.allSettled(answers);
    const failure = results.find((result) => result.status === "rejected");
    if (failure) throw failure.reason;
    return await answers.at(-1)!;
  };
}

/** The settings as one script, in order; adjacent ones share a select list. */
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

/** The equivalent item of a select list; undefined for an unknown statement. */
function toItem(setting: string): string | undefined {
  const config = CONFIG.exec(setting);
  if (config) return config[1];
  const role = ROLE.exec(setting);
  if (!role) return undefined;
  const name = role[1]?.replaceAll('""', '"') ?? role[2].toLowerCase();
  return `set_config('role', ${quote(name)}, true)`;
}

/** A statement with its parameters inlined. */
function fillIn(statement: string, parameters: unknown[]): string {
  return statement.replace(
    /\$(\d+)/g,
    (_, number) => quote(parameters[number - 1]),
  );
}

/** A text as a literal that does not depend on standard_conforming_strings. */
function quote(value: unknown): string {
  if (value === null || value === undefined) return "null";
  const escaped = String(value).replaceAll("\\", "\\\\").replaceAll("'", "''");
  return `E'${escaped}'`;
}
