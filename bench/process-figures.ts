/**
 * What another process has used so far. Linux only: read from /proc.
 *
 * @module
 */

/** Processor time of a process and all its threads, user and system, in milliseconds. */
export function processorTime(pid: number): number {
  // proc(5): utime and stime, in hundredths of a second; the name before them is in parentheses.
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Memory in MiB: resident now (`VmRSS`), or the most that it ever was (`VmHWM`). */
export function memoryOf(pid: number, name: "VmRSS" | "VmHWM"): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const [, kilobytes] = new RegExp(`${name}:\\s+(\\d+)`).exec(status)!;
  return Math.round(Number(kilobytes) / 1024);
}

/** Forgets the most that it ever was: `VmHWM` counts from now on. */
export function resetPeak(pid: number): void {
  Deno.writeTextFileSync(`/proc/${pid}/clear_refs`, "5");
}
