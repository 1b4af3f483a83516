/** Milliseconds of a repeated run: the median, and the quartiles around it. */
export interface Figure {
  median: number;
  low: number;
  high: number;
  /** The figures that these were made of, in the order of the rounds. */
  times: number[];
}

/**
 * Runs each of `runs` once per round, A B C A B C, so that other load of the
 * machine falls on all of them; the first round does not count. `prepare` runs before
 * each round, and is not timed.
 */
export async function alternate(
  runs: (() => Promise<unknown>)[],
  rounds: number,
  prepare: () => unknown = () => {},
): Promise<Figure[]> {
  const times: number[][] = runs.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    await prepare();
    for (const [index, run] of runs.entries()) {
      const start = performance.now();
      await run();
      if (round > 0) times[index].push(performance.now() - start);
    }
  }
  return times.map(toFigure);
}

/** The median of times, and their quartiles. */
export function toFigure(times: number[]): Figure {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { median: at(0.5), low: at(0.25), high: at(0.75), times };
}

/** `2.31 ms [2.02-2.46]` */
export function show({ median, low, high }: Figure): string {
  return `${digits(median)} ms [${digits(low)}-${digits(high)}]`;
}

/** `×1.04`: how much more the first takes than the second. */
export function ratio(one: Figure, other: Figure): string {
  return `×${digits(one.median / other.median)}`;
}

/** `×1.04 [0.98-1.10]`: the same, with the quartiles of the rounds' own ratios. */
export function ratioWithSpread(one: Figure, other: Figure): string {
  const { low, high } = toFigure(
    one.times.map((time, round) => time / other.times[round]),
  );
  return `${ratio(one, other)} [${digits(low)}-${digits(high)}]`;
}

/** Whether a figure keeps its goal, for the tables: `met`, or `missed` in bold. */
export function judge(isMet: boolean): string {
  return isMet ? "met" : "**missed**";
}

/** Prints rows as a Markdown table with aligned columns. */
export function printTable(
  title: string,
  head: string[],
  rows: string[][],
): void {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column].length))
  );
  const line = (cells: string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  console.log(`\n### ${title}\n`);
  console.log(line(head));
  console.log(line(widths.map((width) => "-".repeat(width))));
  for (const row of rows) console.log(line(row));
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}
