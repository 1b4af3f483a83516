/**
 * The smallest function of @supabase/server: it checks the API key and answers.
 *
 * `footprint.ts` compares the cold start of the project's functions with its own.
 *
 * @module
 */
import { withSupabase } from "@supabase/server";

export default {
  fetch: withSupabase({ auth: "secret" }, async (request) => {
    const { name } = await request.json();
    return Response.json({ message: `Hello ${name}!` });
  }),
};
