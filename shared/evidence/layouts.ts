import { LOG_NAMES, type LogName, LOGS_BY_NAME } from "../logs/index.ts";
import type { ColumnType, LeafColumn, Member } from "../logs/leaf-columns.ts";

/** The columns of every log, without `id`, in the order of the table. */
export const layouts = byName((log) => LOGS_BY_NAME[log].leaf);

/** The columns of every log that its leaves commit to, in the order of the table. */
export const committedColumns = byName((log) =>
  layouts[log].filter(({ committed }) => committed)
);

/** The forms of a member; text and jsonb may be anything. */
const FORMS: Record<ColumnType, RegExp | null> = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  text: null,
  integer: /^(0|-?[1-9]\d*)$/,
  numeric: /^(-?\d+(\.\d+)?|NaN)$/,
  boolean: /^(true|false)$/,
  timestamptz: /^(0|-?[1-9]\d*|-?infinity)$/,
  jsonb: null,
};

/** Whether a value could be the member of a column of this type. */
export function isMember(type: ColumnType, value: unknown): value is Member {
  if (value === null) return true;
  return typeof value === "string" && (FORMS[type]?.test(value) ?? true);
}

function byName(
  columnsOf: (log: LogName) => readonly LeafColumn[],
): Readonly<Record<LogName, readonly LeafColumn[]>> {
  return Object.fromEntries(
    LOG_NAMES.map((log) => [log, columnsOf(log)]),
  ) as Record<LogName, readonly LeafColumn[]>;
}
