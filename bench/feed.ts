import { listCall, SERVICE, timeColumn } from "./callers.ts";
import { LOG_NAMES } from "./fill.ts";
import { alternate, printTable, ratio, show } from "./measure.ts";
import { explain } from "./plans.ts";
import type { Session } from "./session.ts";

/**
 * Measures the poll of a feed that has seen everything, with nothing new and with
 * one new row, against the first page of the same log.
 */
export async function benchFeed(
  session: Session,
  rounds: number,
): Promise<void> {
  const rows: string[][] = [];
  for (const log of LOG_NAMES) {
    const top = listCall(log, { ascending: true });
    const poll = listCall(log, {
      ascending: true,
      after: await catchUp(session, log),
    });
    const [first, idle] = await session.as(
      SERVICE,
      () =>
        alternate(
          [() => session.query(top), () => session.query(poll)],
          rounds,
        ),
    );
    const nothing = await explain(session, SERVICE, poll, log);
    await arrive(session, log);
    const [{ page }] = await session.as(
      SERVICE,
      () => session.query(`${poll} as page`),
    );
    if (page.rows.length !== 1) {
      throw new Error(
        `The feed of ${log} has ${page.rows.length} new rows, not 1`,
      );
    }
    const [firstAgain, busy] = await session.as(
      SERVICE,
      () =>
        alternate(
          [() => session.query(top), () => session.query(poll)],
          rounds,
        ),
    );
    rows.push([
      log,
      show(first),
      show(idle),
      ratio(idle, first),
      show(busy),
      ratio(busy, firstAgain),
      String(nothing.read),
      String(nothing.pages),
    ]);
  }
  printTable("The feed's poll, caught up", [
    "log",
    "first page: median [quartiles]",
    "nothing new",
    "poll/page",
    "one new row",
    "poll/page",
    "rows read",
    "pages touched",
  ], rows);
}

/** The position after the last row, as following the pages to the end would leave it. */
async function catchUp(session: Session, log: string): Promise<unknown> {
  const time = timeColumn(log);
  const [last] = await session.query(
    `select to_json(${time}) as time, id from public.${log} order by ${time} desc, id desc limit 1`,
  );
  return await session.as(SERVICE, async () => {
    const [{ page: first }] = await session.query(
      `${listCall(log, { ascending: true })} as page`,
    );
    const after = { ...first.next, ...last };
    const [{ page }] = await session.query(
      `${listCall(log, { ascending: true, after })} as page`,
    );
    if (page.rows.length > 0 || page.next === null) {
      throw new Error(`The feed of ${log} did not end at its last row`);
    }
    return page.next;
  });
}

/** Records one more event of the log, a copy of one that is there. */
async function arrive(session: Session, log: string): Promise<void> {
  await session.query(
    `select public.record_${log}(jsonb_build_array(
      jsonb_strip_nulls(to_jsonb(r)) - '${timeColumn(log)}'
      || jsonb_build_object('id', gen_random_uuid())))
    from (select * from public.${log} limit 1) r`,
  );
}
