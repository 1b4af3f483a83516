import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readProjectFile } from "../docs/pages.ts";
import {
  listAttacks,
  type Outcome,
  startWitness,
  type WitnessScene,
} from "./attacks.ts";
import { type Drill, makeDrill } from "./drill.ts";

/** The lines of the table in docs/evidence.md. */
const [, section] = readProjectFile("docs/evidence.md")
  .split("## Prevention and detection");
const LINES = [...section.split("\n## ")[0].matchAll(/^\| (.*) \|$/gm)]
  .map(([, line]) => line.split(" | ").map((cell) => cell.trim()))
  .slice(2)
  .map(([change, prevented, detected]) => ({ change, prevented, detected }));

let drill: Drill;
let scene: WitnessScene;
beforeAll(async () => {
  drill = await makeDrill();
  scene = await startWitness(drill);
});
afterAll(() => scene?.witness.stack.stop());

/** The outcome that a line states. */
function readOutcome({ prevented, detected }: typeof LINES[number]): Outcome {
  const codes = readCodes(prevented);
  const isPrevented = prevented !== "no";
  const [verifier, doctor = ""] = detected.split("by the doctor:");
  const found = /^(no\b|not needed)/.test(verifier) ? [] : readCodes(verifier);
  return {
    refused: isPrevented && codes.length === 0 ? [prevented] : codes,
    findings: verifier.includes("only with a kept checkpoint") ? [] : found,
    kept: found,
    doctor: readCodes(doctor),
  };
}

const readCodes = (cell: string) =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code);

describe("docs/evidence.md, prevention and detection", () => {
  // %s shows the whole line, of which $change would show the beginning.
  test.each(
    LINES.map((line) => [line.change, line] as const),
  )("%s", async (_, line) => {
    const attack = listAttacks(drill, scene)[line.change];
    expect(attack, "The line has no case").toBeDefined();
    const outcome = await attack();
    expect(outcome).toEqual(readOutcome(line));
  }, 60_000);

  test("every case is a line", () => {
    expect(Object.keys(listAttacks(drill, scene)))
      .toEqual(LINES.map(({ change }) => change));
  });
});
