/**
 * Answers as PostgREST does when its database is away: 503, which tells a client
 * to try again. Lite calls it a 500 of its own and names the server's address.
 */

/** The message of postgres-pool.ts for a failed or lost connection. */
const AWAY = /\bthe connection failed: [0-9A-Z_]+/;
const LOGGED_CHARACTERS = 500;

/** The answer to give instead of `response`, which is returned as it is unless it is a 5xx. */
export async function translateConnectionErrors(
  response: Response,
  request: Request,
): Promise<Response> {
  if (response.status < 500) return response;
  const text = await response.text();
  const away = AWAY.test(text);
  const problem = away
    ? "the database is away"
    : text.slice(0, LOGGED_CHARACTERS);
  const { pathname } = new URL(request.url);
  console.error(`${request.method} ${pathname}: ${problem}`);
  if (!away) return new Response(text, response);
  return Response.json({
    code: "PGRST001",
    details: null,
    hint: null,
    message: "Database client error. Retrying the connection.",
  }, { status: 503 });
}
