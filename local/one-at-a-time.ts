/**
 * Returns a function that runs the work given to it one piece after another, in
 * the order given; a piece that fails does not hold up the next.
 */
export function createQueue(): <Result>(
  work: () => Promise<Result>,
) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
}
