/**
 * Keeps pages of other origins away from a stack that serves a real database: every
 * page in the developer's browser can reach the loopback interface, and the stack's
 * keys are public.
 */

/** Refuses a request, or returns undefined for one to serve. */
export type PageRefusal = (request: Request) => Response | undefined;

/**
 * The refusal of a stack at `url`. Refused are requests whose `Origin` is neither the
 * stack's own nor one of `origins` (Fetch standard, §3.1: browsers send it with every
 * request whose answer a page could read), and those for a `Host` of another name, which a name
 * that resolves to the loopback address gives (DNS rebinding). A program sends no
 * `Origin`.
 */
export function refusePages(
  url: string,
  origins: readonly string[] = [],
): PageRefusal {
  const { origin: own, port, hostname } = new URL(url);
  const allowed = [own, new URL(`http://localhost:${port}`).origin, ...origins];
  const names = [hostname, "localhost"];
  return ({ headers }) => {
    // Any port: a proxy in front of the stack has another one.
    const called = URL.parse(`http://${headers.get("host")}`)?.hostname ?? "";
    if (!names.includes(called)) {
      return refuse(
        "HOST_NOT_ALLOWED",
        `The Host is not this stack's, which serves a database outside it; call ${url}`,
      );
    }
    const origin = headers.get("origin");
    if (origin === null || allowed.includes(origin)) return undefined;
    return refuse(
      "ORIGIN_NOT_ALLOWED",
      "The Origin may not call this stack, which serves a database outside it; start the stack with --allow-origin <origin>",
    );
  };
}

function refuse(code: string, message: string): Response {
  return Response.json({ code, message }, { status: 403 });
}
