/**
 * The functions that one would write instead of the endpoints: they insert a
 * service's events as they came, without any check, and answer only that it worked.
 *
 * `plain-llm-usage-with-details` stores as much of a call as the endpoint, but looks
 * up no price, and a failure between its inserts leaves a call without details.
 *
 * @module
 */
import { createClient } from "@supabase/supabase-js";
import { toDetails } from "./sample-events.ts";

const slug = Deno.env.get("SUPABASE_FUNCTION_SLUG");
const table = slug === "plain-audit" ? "audit_log" : "llm_usage_log";
const keys = JSON.parse(Deno.env.get("SUPABASE_SECRET_KEYS")!);
const client = createClient(Deno.env.get("SUPABASE_URL")!, keys.default);

export default {
  fetch: async (request: Request): Promise<Response> => {
    const events = await request.json();
    const { error } = await client.from(table).insert(events);
    if (error) return Response.json(error, { status: 400 });
    if (slug === "plain-llm-usage-with-details") {
      const details = [events].flat().map(toDetails);
      const { error } = await client.from("llm_usage_details").insert(details);
      if (error) return Response.json(error, { status: 400 });
    }
    return Response.json({ ok: true }, { status: 201 });
  },
};
