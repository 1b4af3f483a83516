import { walkImports } from "../tests/support/walk-imports.ts";
import { type FunctionServer, serveFunction } from "./function-server.ts";
import {
  alternate,
  judge,
  printTable,
  ratioWithSpread,
  show,
  toFigure,
} from "./measure.ts";
import { processorTime } from "./process-figures.ts";

const TEMPLATE = "bench/template-function.ts";
const MAX_START = 1.3;

/**
 * Measures from starting a process to its answer to a request that the database
 * has no part in, for functions and the template; and how much code they start with.
 */
export async function printStarts(
  url: string,
  functions: string[],
  rounds: number,
): Promise<void> {
  const paths = [TEMPLATE, ...functions];
  let started: FunctionServer[] = [];
  const spent: Record<string, number[]> = {};
  const stopAll = async () => {
    for (const server of started) await server.stop();
    started = [];
  };
  const start = async (path: string) => {
    const server = await serveFunction(path, url);
    started.push(server);
    const status = await server.post('{"name": "first"}');
    (spent[path] ??= []).push(processorTime(server.pid));
    const wanted = path === TEMPLATE ? 200 : 422;
    if (status !== wanted) throw new Error(`${path} answered ${status}`);
  };
  const figures = await alternate(
    paths.map((path) => () => start(path)),
    rounds,
    stopAll,
  );
  await stopAll();
  const rows: string[][] = [];
  for (const [index, path] of paths.entries()) {
    const { atStart } = await walkImports(
      new URL(`../${path}`, import.meta.url).pathname,
    );
    const figure = figures[index];
    rows.push([
      path,
      show(figure),
      ratioWithSpread(figure, figures[0]),
      show(toFigure(spent[path])),
      String(atStart.files.length),
      (atStart.bytes / 2 ** 20).toFixed(2),
      index === 0 ? "" : judge(figure.median / figures[0].median <= MAX_START),
    ]);
  }
  printTable("A fresh process, until its first answer", [
    "function",
    "median [quartiles]",
    "to the template [quartiles]",
    "processor time",
    "modules at the start",
    "MiB of them",
    `goal: at most ×${MAX_START}`,
  ], rows);
}
