import { FIRM, USER } from "./webhook-deliveries.ts";

type Json = Record<string, unknown>;

/** A row of a table as `row_to_json` writes it. */
export const ROW = {
  id: "80000000-0000-4000-8000-000000000001",
  firm_id: FIRM,
  status: "draft",
  amount: 1200.5,
  salary: 90000,
  iban: "DE89370400440532013000",
  note: "4111 1111 1111 1111",
};

/** What `supabase_functions.http_request` posts. */
export function createChange(changes: Json = {}): Json {
  return {
    type: "UPDATE",
    table: "invoices",
    schema: "public",
    record: { ...ROW, status: "approved", amount: 1300 },
    old_record: ROW,
    ...changes,
  };
}

/** `metadata` as Auth's hooks send it (internal/hooks/v0hooks/v0hooks.go). */
function createHookMetadata(name: string): Json {
  return {
    uuid: "90000000-0000-4000-8000-000000000001",
    time: "2026-10-05T10:00:00.123456789+02:00",
    name,
    ip_address: "203.0.113.7",
  };
}

/** A user as Auth sends one to a hook (internal/models/user.go). */
export const AUTH_USER = {
  id: USER,
  aud: "authenticated",
  role: "authenticated",
  email: "person@example.com",
  phone: "+4915112345678",
  app_metadata: { provider: "email", providers: ["email"], firm_id: FIRM },
  user_metadata: { full_name: "Person", firm_id: "attacker" },
  identities: [],
  created_at: "2026-10-05T08:00:00Z",
  updated_at: "2026-10-05T08:00:00Z",
  is_anonymous: false,
};

/** The payload of each hook, by its name on the wire. */
export const HOOKS: Record<string, Json> = {
  "before-user-created": { user: AUTH_USER },
  "after-user-created": { user: AUTH_USER },
  "password-verification": { user_id: USER, valid: false },
  "mfa-verification": {
    user_id: USER,
    factor_id: "a0000000-0000-4000-8000-000000000001",
    factor_type: "totp",
    valid: true,
  },
  "customize-access-token": {
    user_id: USER,
    authentication_method: "sso/saml",
    claims: {
      sub: USER,
      exp: 1791191000,
      email: "person@example.com",
      phone: "",
      role: "authenticated",
      aal: "aal1",
      session_id: "b0000000-0000-4000-8000-000000000001",
      app_metadata: { firm_id: FIRM },
      user_metadata: {},
    },
  },
  "send-email": {
    user: AUTH_USER,
    email_data: { token: "305805", token_hash: "7d5b7b1964cf5d388340a7f04f1d" },
  },
  "send-sms": { user: AUTH_USER, sms: { otp: "561166", sms_type: "sms" } },
};

/** A hook's payload as Auth posts it. */
export function createHook(name: string, changes: Json = {}): Json {
  return { metadata: createHookMetadata(name), ...HOOKS[name], ...changes };
}

/** The same with an invocation id that no other test uses. */
export function createNewHook(name: string, changes: Json = {}): Json {
  const metadata = createHookMetadata(name);
  const uuid = crypto.randomUUID();
  return createHook(name, { metadata: { ...metadata, uuid }, ...changes });
}

/** The answer that Auth needs to each hook, whether the event is recorded or not. */
export const HOOK_ANSWERS: [string, unknown][] = [
  ["before-user-created", {}],
  ["after-user-created", {}],
  ["password-verification", { decision: "continue" }],
  ["mfa-verification", { decision: "continue" }],
  ["customize-access-token", {
    claims: HOOKS["customize-access-token"].claims,
  }],
];

/** A row of auth.audit_log_entries (internal/models/audit_log_entry.go). */
export function createEntry(payload: Json = {}): Json {
  return {
    id: "c0000000-0000-4000-8000-000000000001",
    instance_id: "00000000-0000-0000-0000-000000000000",
    created_at: "2026-10-05T08:00:00.123456+00:00",
    ip_address: "203.0.113.7",
    payload: {
      actor_id: USER,
      actor_via_sso: false,
      actor_username: "person@example.com",
      actor_name: "Person",
      action: "login",
      log_type: "account",
      traits: { provider: "email", provider_id: "person@example.com" },
      ...payload,
    },
  };
}
