import type postgres from "postgres";

/**
 * Server settings without waits for the disk and without autovacuum, whose noise
 * would hide the rest.
 */
export const WITHOUT_DISK = {
  autovacuum: "off",
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  max_wal_size: "8GB",
};

/**
 * The circumstances of a figure: processor, PostgreSQL and its settings, the REST
 * server where one takes part, Deno, load, date.
 */
export async function describeMachine(
  sql: postgres.Sql,
  settings: Record<string, string> = {},
  rest?: string,
): Promise<string> {
  const [{ version, buffers, work }] = await sql`
    select split_part(version(), ' on ', 1) as version,
      current_setting('shared_buffers') as buffers, current_setting('work_mem') as work`;
  const named = { ...settings, shared_buffers: buffers, work_mem: work };
  const list = Object.entries(named).map((pair) => pair.join(" ")).join(", ");
  return [
    await describeComputer(),
    `${version} with ${list}`,
    ...rest === undefined ? [] : [`REST by ${rest}`],
    describeRuntime(),
  ].join("; ");
}

/** Processor, cores and memory of this computer. */
export async function describeComputer(): Promise<string> {
  const cpu = await Deno.readTextFile("/proc/cpuinfo").then(
    (text) => /^model name\s*: (.*)$/m.exec(text)?.[1] ?? Deno.build.arch,
    () => Deno.build.arch,
  );
  const memory = Math.round(Deno.systemMemoryInfo().total / 2 ** 30);
  return `${cpu}, ${navigator.hardwareConcurrency} cores, ${memory} GiB`;
}

/** Version of Deno, load at the beginning, and date. */
export function describeRuntime(): string {
  const date = new Date().toISOString().slice(0, 10);
  return `Deno ${Deno.version.deno}; load ${
    Deno.loadavg()[0].toFixed(1)
  } at the beginning; ${date}`;
}
