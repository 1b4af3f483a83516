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

/** The lock that keeps two stacks from one folder, which would corrupt PGlite's files. */
const LOCK_FILE = "stack.lock";

/**
 * Locks the folder for this process. The operating system releases the lock when the
 * process ends, so a lock is never stale; the pid in the file is for the error
 * message.
 *
 * @returns Releases the lock.
 * @throws {StackError} if another stack holds the lock.
 */
export async function lockDataDir(dataDir: string): Promise<() => void> {
  await Deno.mkdir(dataDir, { recursive: true });
  const path = `${dataDir}/${LOCK_FILE}`;
  const file = await Deno.open(path, { read: true, write: true, create: true });
  if (!await file.tryLock(true)) {
    file.close();
    const pid = (await Deno.readTextFile(path)).trim();
    throw new StackError(
      `Cannot use the data folder ${dataDir}: the stack with process id ${pid} uses it; stop that stack, or start with --memory`,
    );
  }
  await file.truncate();
  await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
  return () => file.close();
}
