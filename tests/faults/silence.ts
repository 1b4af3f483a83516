import { afterAll, beforeAll, vi } from "vitest";

/**
 * Keeps the console output of functions and the stack out of the tests' output.
 *
 * @returns The lines at level error, newest last.
 */
export function silenceConsole(): string[] {
  const errors: string[] = [];
  let restore = () => {};
  beforeAll(() => {
    const spies = [
      vi.spyOn(console, "log").mockImplementation(() => {}),
      vi.spyOn(console, "error").mockImplementation((line) => {
        errors.push(String(line));
      }),
    ];
    restore = () => spies.forEach((spy) => spy.mockRestore());
  });
  afterAll(() => restore());
  return errors;
}
