import { createClient } from "@supabase/supabase-js";

/**
 * The function that one would write instead: a service's events, one or many, go
 * into the table as they came. Nothing is checked, and nothing is said but that
 * it worked.
 */
export function insertInto(table: string) {
  const keys = JSON.parse(Deno.env.get("SUPABASE_SECRET_KEYS")!);
  const client = createClient(Deno.env.get("SUPABASE_URL")!, keys.default);
  return async (request: Request): Promise<Response> => {
    const { error } = await client.from(table).insert(await request.json());
    if (error) return Response.json(error, { status: 400 });
    return Response.json({ ok: true }, { status: 201 });
  };
}
