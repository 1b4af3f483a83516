/**
 * Keeps two stacks out of one data folder: PGlite's files would be corrupted.
 */
import { StackError } from "./stack-error.ts";

const LOCK_FILE = "stack.lock";

/**
 * Takes the folder for this process. The operating system holds the lock and
 * drops it with the process, however that ends, so no lock is ever stale; the
 * pid in the file is for the person who reads the refusal.
 *
 * @returns What gives the folder back.
 * @throws {StackError} when another stack has it.
 */
export async function lockDataDir(dataDir: string): Promise<() => void> {
  await Deno.mkdir(dataDir, { recursive: true });
  const path = `${dataDir}/${LOCK_FILE}`;
  const file = await Deno.open(path, { read: true, write: true, create: true });
  if (!await file.tryLock(true)) {
    file.close();
    const pid = (await Deno.readTextFile(path)).trim();
    throw new StackError(
      `Cannot use the data folder ${dataDir}: the stack with process id ${pid} is using it; stop that one, or start with --memory`,
    );
  }
  await file.truncate();
  await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
  return () => file.close();
}
