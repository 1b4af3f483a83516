import { expect } from "vitest";

/** A command that could not do what it was told, and says so in one sentence. */
export const failure = (sentence: string | RegExp, code = 1) => ({
  code,
  stdout: "",
  stderr: typeof sentence === "string"
    ? `${sentence}\n`
    : expect.stringMatching(sentence),
});
