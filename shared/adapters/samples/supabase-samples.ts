import {
  createJsonSample,
  DEMO,
  type Sample,
  type SampleSeed,
} from "./sample.ts";

/** What a Database Webhook sends when a row of a table `invoices` is updated. */
export function createDatabaseSample({ now, createId }: SampleSeed): Sample {
  const row = {
    id: createId(),
    firm_id: DEMO.firm_id,
    cma_project_id: DEMO.cma_project_id,
    status: "draft",
    amount: 1200.5,
    updated_at: new Date(now.getTime() - 60_000).toISOString(),
  };
  return createJsonSample("webhooks/database", {
    type: "UPDATE",
    table: "invoices",
    schema: "public",
    record: { ...row, status: "approved", updated_at: now.toISOString() },
    old_record: row,
    user_id: DEMO.user_id,
  });
}

/** What Supabase Auth's after-user-created hook sends. */
export function createAuthSample({ now, createId }: SampleSeed): Sample {
  return createJsonSample("webhooks/auth", {
    metadata: {
      uuid: createId(),
      time: now.toISOString(),
      name: "after-user-created",
      ip_address: "203.0.113.7",
    },
    user: {
      id: createId(),
      aud: "authenticated",
      role: "authenticated",
      email: "new.member@example.com",
      phone: "",
      app_metadata: {
        provider: "email",
        providers: ["email"],
        firm_id: DEMO.firm_id,
      },
      user_metadata: { full_name: "New Member" },
      identities: [],
      created_at: now.toISOString(),
      updated_at: now.toISOString(),
      is_anonymous: false,
    },
  });
}
