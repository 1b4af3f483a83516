import type { Caller, Session } from "./session.ts";

/** A service, which sees all. */
export const SERVICE: Caller = {
  name: "service",
  role: "service_role",
  claims: { role: "service_role" },
};

/** The id of a row that `fillLogs` made, e.g. `idOf("firm 1")`. */
export async function idOf(session: Session, name: string): Promise<string> {
  const [{ id }] = await session.query("select md5($1)::uuid as id", [name]);
  return id;
}

/** A member of the k-th firm, who is the chairman as well when `chairman` is given. */
export async function memberOf(
  session: Session,
  firm: number,
  options: { chairman?: boolean } = {},
): Promise<Caller> {
  return {
    name: options.chairman ? "chairman" : `member of firm ${firm}`,
    role: "authenticated",
    claims: {
      role: "authenticated",
      sub: await idOf(session, `user ${firm} 1`),
      app_metadata: options.chairman ? { role: "chairman" } : {},
    },
  };
}

/** Column → values, as the endpoint passes them on. */
export type Filters = Record<string, string[]>;

/** The call of a list that the endpoint makes. */
export function listCall(
  log: string,
  options: { filters?: Filters; ascending?: boolean; after?: unknown } = {},
): string {
  const { filters = {}, ascending = false, after = null } = options;
  return `select public.list_log('${log}', '${timeColumn(log)}', filters => ${
    literal(filters)
  }, ascending => ${ascending}, after => ${
    after === null ? "null" : literal(after)
  })`;
}

/** The call of a summary that the endpoint makes. */
export function summaryCall(
  log: string,
  month: Month,
  options: { filters?: Filters; groups?: string[]; bucket?: string },
): string {
  const { filters = {}, groups = [], bucket } = options;
  return `select public.summarise_log('${log}', '${
    timeColumn(log)
  }', filters => ${
    literal(filters)
  }, since => '${month.from}', until => '${month.to}', groups => '{${groups}}'${
    bucket ? `, bucket => '${bucket}'` : ""
  })`;
}

/** The column with the time of a log's events. */
export function timeColumn(log: string): string {
  return log === "model_usage_log" ? "captured_at" : "created_at";
}

/** A calendar month, as dates; `to` is the first day after it. */
export type Month = { from: string; to: string };

/** The last whole month. */
export async function lastMonth(session: Session): Promise<Month> {
  const [month] = await session.query(
    `select (date_trunc('month', now()) - interval '1 month')::date::text as from,
      date_trunc('month', now())::date::text as to`,
  );
  return month;
}

function literal(value: unknown): string {
  return `'${JSON.stringify(value).replaceAll("'", "''")}'`;
}
