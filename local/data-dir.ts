import { StackError } from "./stack-error.ts";

/**
 * Reads or writes files in a data folder.
 *
 * @throws {StackError} if the operating system refuses.
 */
export async function useDataDir<Result>(
  dataDir: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === undefined) throw error;
    throw new StackError(
      `Cannot use the data folder ${dataDir}: ${message}; pass --data-dir with a folder that you can write to`,
    );
  }
}
