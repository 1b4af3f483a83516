import { createClient } from "@supabase/supabase-js";
import { afterAll, beforeAll, inject } from "vitest";
import { createDatabase } from "../../local/postgres.ts";
import { type Stack, startStack } from "../../local/stack.ts";

/** The databases that every end-to-end test runs on. */
export const ENGINES = ["PGlite", "PostgreSQL 17"] as const;
/** For tests that take three times as long on PGlite, of what is the same SQL there. */
export const SERVER_ONLY = ["PostgreSQL 17"] as const;

/** Ids of the demo world (supabase/seed.sql). */
export const FIRM = "10000000-0000-4000-8000-000000000001";
export const OTHER_FIRM = "10000000-0000-4000-8000-000000000002";
export const USER = "20000000-0000-4000-8000-000000000001";
export const OTHER_USER = "20000000-0000-4000-8000-000000000002";
export const PROJECT = "30000000-0000-4000-8000-000000000001";
export const OTHER_PROJECT = "30000000-0000-4000-8000-000000000002";
export const AGENT = "40000000-0000-4000-8000-000000000001";
export const TOOL = "50000000-0000-4000-8000-000000000001";
export const VENTURE = "60000000-0000-4000-8000-000000000001";
/** An id that nothing has. */
export const NOBODY = "99999999-0000-4000-8000-000000000009";

/** The least valid event of each log, without an id. */
export const EVENTS = {
  "llm-usage": {
    firm_id: FIRM,
    model: "gemini-2.0-flash",
    task_type: "extraction",
    input_tokens: 1200,
    output_tokens: 80,
    cost_usd: "0.000152",
  },
  "tool-usage": { agent_id: AGENT, tool_id: TOOL },
  "model-usage": {
    reported_model_name: "Claude Sonnet 4.5",
    reported_model_id: "claude-sonnet-4-5-20250929",
  },
  "audit": {
    firm_id: FIRM,
    action: "create_project",
    entity_type: "cma_project",
  },
} as const;

/** A function of the collection. */
export type Slug = keyof typeof EVENTS;
export const SLUGS = Object.keys(EVENTS) as Slug[];

/** The table behind each function. */
export const TABLES = {
  "llm-usage": "llm_usage_log",
  "tool-usage": "tool_usage_ledger",
  "model-usage": "model_usage_log",
  "audit": "audit_log",
} as const;

/** A problem document, as far as tests look into it. */
export type ProblemBody = {
  status: number;
  code: string;
  detail: string;
  errors?: { pointer: string; code: string; detail: string }[];
  fields?: string[];
};

/** An answer with its parsed body. */
// deno-lint-ignore no-explicit-any
export type Answer = { status: number; headers: Headers; body: any };

/** What a request may add to the usual one. */
export type PostOptions = {
  headers?: Record<string, string | null>;
  query?: string;
  method?: string;
};

/** A stack that runs for the tests of one `describe`. */
export class RunningStack {
  stack!: Stack;
  /** The URL of the database as its owner; undefined on PGlite. */
  databaseUrl?: string;

  /** POSTs a body as a service; strings and bytes go out as they are. */
  async post(
    slug: string,
    body: unknown,
    { headers = {}, query = "", method = "POST" }: PostOptions = {},
  ): Promise<Answer> {
    const all: Record<string, string | null> = {
      apikey: this.stack.secretKey,
      "content-type": "application/json",
      ...headers,
    };
    const sent = Object.entries(all).filter(([, value]) => value !== null);
    const raw = typeof body === "string" || body instanceof Uint8Array ||
      body instanceof ReadableStream || body === undefined;
    const response = await fetch(
      `${this.stack.url}/functions/v1/${slug}${query}`,
      {
        method,
        headers: sent as [string, string][],
        body: raw ? body as BodyInit : JSON.stringify(body),
      },
    );
    const text = await response.text();
    const type = response.headers.get("content-type") ?? "";
    return {
      status: response.status,
      headers: response.headers,
      body: /^application\/(problem\+)?json/.test(type) && text
        ? JSON.parse(text)
        : text,
    };
  }

  /** The same as a signed-in user. */
  async postAs(
    userId: string,
    slug: string,
    body: unknown,
    options: PostOptions = {},
  ) {
    const token = await this.stack.signUserToken(userId);
    const headers = { apikey: null, authorization: `Bearer ${token}` };
    return this.post(slug, body, {
      ...options,
      headers: { ...headers, ...options.headers },
    });
  }

  /** Reads a table with the service role, numbers as the REST API prints them. */
  async rows(table: string, filter: Record<string, string> = {}) {
    let query = this.admin().from(table).select("*");
    for (const [column, value] of Object.entries(filter)) {
      query = query.eq(column, value);
    }
    const { data, error } = await query;
    if (error) throw new Error(error.message);
    return data;
  }

  /** A stored row, with the details that belong to it. */
  async row(slug: Slug, id: string) {
    const [row] = await this.rows(TABLES[slug], { id });
    if (slug !== "llm-usage") return row;
    const [details] = await this.rows("llm_usage_details", { id });
    return { ...row, ...details };
  }

  async count(table: string): Promise<number> {
    const { count, error } = await this.admin().from(table)
      .select("*", { count: "exact", head: true });
    if (error) throw new Error(error.message);
    return count!;
  }

  /** supabase-js with the secret key, as a backend would use it. */
  admin() {
    return createClient(this.stack.url, this.stack.secretKey, {
      auth: { persistSession: false, autoRefreshToken: false },
    });
  }
}

/** Starts a stack on the engine before the tests of a `describe`, and stops it. */
export function useStack(
  engine: (typeof ENGINES)[number],
  options: { secretKeys?: Record<string, string> } = {},
): RunningStack {
  const running = new RunningStack();
  beforeAll(async () => {
    const database: { memory?: boolean; databaseUrl?: string } =
      engine === "PGlite"
        ? { memory: true }
        : { databaseUrl: await createDatabase({ url: inject("postgresUrl") }) };
    running.databaseUrl = database.databaseUrl;
    running.stack = await startStack({ port: 0, ...database, ...options });
  });
  afterAll(() => running.stack?.stop());
  return running;
}

/** An id that no other test uses. */
export const newId = () => crypto.randomUUID();
