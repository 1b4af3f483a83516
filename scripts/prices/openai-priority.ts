/**
 * Model → US dollars per million tokens of input, cached input and output in priority
 * processing, which long contexts are excluded from:
 * https://openai.com/api-priority-processing/
 */
export const OPENAI_PRIORITY: ReadonlyMap<
  string,
  readonly [input: string, cacheRead: string | null, output: string]
> = new Map([
  ["gpt-5.5", ["12.5", "1.25", "75"]],
  ["gpt-5.4", ["5", "0.5", "30"]],
  ["gpt-5.4-mini", ["1.5", "0.15", "9"]],
  ["gpt-5.2", ["3.5", "0.35", "28"]],
  ["gpt-5.1", ["2.5", "0.25", "20"]],
  ["gpt-5.1-codex", ["2.5", "0.25", "20"]],
  ["gpt-5", ["2.5", "0.25", "20"]],
  ["gpt-5-codex", ["2.5", "0.25", "20"]],
  ["gpt-5-mini", ["0.45", "0.045", "3.6"]],
  ["gpt-4.1", ["3.5", "0.875", "14"]],
  ["gpt-4.1-mini", ["0.7", "0.175", "2.8"]],
  ["gpt-4.1-nano", ["0.2", "0.05", "0.8"]],
  ["gpt-4o", ["4.25", "2.125", "17"]],
  ["gpt-4o-2024-05-13", ["8.75", null, "26.25"]],
  ["gpt-4o-mini", ["0.25", "0.125", "1"]],
  ["o3", ["3.5", "0.875", "14"]],
  ["o4-mini", ["2", "0.5", "8"]],
]);
