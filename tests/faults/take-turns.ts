/** Lets another go on, and waits for the next turn. */
export type Pause = () => Promise<void>;

/**
 * Runs tasks one at a time, from pause to pause, in the order of `choose`:
 * the same choices make the same run.
 *
 * @param choose An index below the number of tasks that can go on.
 * @param between What happens after each turn.
 */
export async function takeTurns(
  tasks: ((pause: Pause) => Promise<void>)[],
  choose: (count: number) => number,
  between: () => void,
): Promise<void> {
  const ready: (() => void)[] = [];
  let endTurn = () => {};
  const pause = () =>
    new Promise<void>((resume) => {
      ready.push(resume);
      endTurn();
    });
  const ends = Promise.allSettled(tasks.map(async (task) => {
    await pause();
    try {
      await task(pause);
    } finally {
      endTurn();
    }
  }));
  while (ready.length > 0) {
    const turn = new Promise<void>((resolve) => endTurn = resolve);
    const [resume] = ready.splice(choose(ready.length), 1);
    resume();
    await turn;
    between();
  }
  for (const end of await ends) {
    if (end.status === "rejected") throw end.reason;
  }
}
