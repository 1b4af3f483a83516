/** Answers a request in place of the REST API; `pass` asks the real one. */
export type Answer = (
  request: Request,
  pass: () => Promise<Response>,
) => Response | Promise<Response>;

/** A server in front of the real REST API. */
export interface RestInFront {
  url: string;
  /** By default everything is passed on. */
  answer: Answer;
  close(): Promise<void>;
}

/** Starts a server in front of the stack at `target`. */
export function startRestInFront(target: string): RestInFront {
  const aborter = new AbortController();
  const server = Deno.serve({
    signal: aborter.signal,
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
  }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const { method, headers } = request;
    const body = await request.bytes();
    return await rest.answer(
      request,
      () => fetch(target + pathname + search, { method, headers, body }),
    );
  });
  const rest: RestInFront = {
    url: `http://127.0.0.1:${server.addr.port}`,
    answer: (_request, pass) => pass(),
    close: async () => {
      // Without waiting for answers that were to take for ever.
      aborter.abort();
      await server.finished;
    },
  };
  return rest;
}
