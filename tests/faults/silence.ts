import { afterAll, beforeAll, vi } from "vitest";

/**
 * Keeps what faults make functions and the stack say out of the tests' output.
 *
 * @returns What was said at level error, newest last.
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
