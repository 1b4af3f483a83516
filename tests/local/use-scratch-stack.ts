import { afterAll, beforeAll, vi } from "vitest";
import type { Stack, StackOptions } from "../../local/stack.ts";
import {
  makeProject,
  type ScratchProject,
  startScratchStack,
} from "../support/scratch-project.ts";

/** A stack in memory over a project with these files, for the tests of a file. */
export function useScratchStack(
  files: Record<string, string>,
  options: StackOptions = {},
): { stack: Stack; project: ScratchProject } {
  // A stack takes long to start on a busy machine.
  vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
  const scratch = {} as { stack: Stack; project: ScratchProject };
  beforeAll(async () => {
    scratch.project = await makeProject(files);
    scratch.stack = await startScratchStack(scratch.project, options);
  });
  afterAll(async () => {
    await scratch.stack?.stop();
    await scratch.project?.remove();
  });
  return scratch;
}
