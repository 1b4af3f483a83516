// The smallest function of @supabase/server: who calls is checked, and answered.
import { withSupabase } from "@supabase/server";

export default {
  fetch: withSupabase({ auth: "secret" }, async (request) => {
    const { name } = await request.json();
    return Response.json({ message: `Hello ${name}!` });
  }),
};
