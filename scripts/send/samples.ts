import { LOGS_BY_SLUG, type LogSlug } from "../../shared/logs/index.ts";

/** A format of samples. */
type SampleFormat = {
  create: CreateSample;
  /** Whether the format carries events of any log, so that the caller must name one. */
  takesLog: boolean;
};

/** Every format, by the name that `npm run send` takes. */
export const SAMPLES: Record<string, SampleFormat> = {
  otlp: { create: createOtlpSample, takesLog: false },
  litellm: { create: createLitellmSample, takesLog: false },
  portkey: { create: createPortkeySample, takesLog: false },
  database: { create: createDatabaseSample, takesLog: false },
  auth: { create: createAuthSample, takesLog: false },
  standard: { create: createStandardSample, takesLog: true },
  cloudevents: { create: createCloudEventSample, takesLog: true },
  native: { create: createNativeSample, takesLog: true },
};

/** A realistic delivery of one format. */
export type Sample = {
  /** Below `/functions/v1`, such as `webhooks/litellm`. */
  path: string;
  /** The headers of the format, without a key and a signature. */
  headers: Record<string, string>;
  body: string;
};

/** The inputs of a sample, so that creating one is pure. */
type SampleSeed = {
  /** The log of the sample, for formats that carry events of any log. */
  log: LogSlug;
  now: Date;
  /** Makes a fresh UUID. */
  createId: () => string;
};

/** Creates a sample that refers to the demo world of supabase/seed.sql only. */
type CreateSample = (seed: SampleSeed) => Sample;

/** The demo world's firm, its user and its project. */
export const DEMO = {
  firm_id: "10000000-0000-4000-8000-000000000001",
  user_id: "20000000-0000-4000-8000-000000000001",
  cma_project_id: "30000000-0000-4000-8000-000000000001",
};

/** A sample that is JSON. */
function createJsonSample(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Sample {
  return {
    path,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
}

/** A native event of a log, posted to the log itself. */
function createNativeSample(seed: SampleSeed): Sample {
  const event = { id: seed.createId(), ...createEvent(seed) };
  return createJsonSample(seed.log, event);
}

/** A Standard Webhooks payload with a native event. */
function createStandardSample(seed: SampleSeed): Sample {
  return createJsonSample(`webhooks/standard/${seed.log}`, {
    type: `${seed.log}.recorded`,
    timestamp: seed.now.toISOString(),
    data: createEvent(seed),
  }, { "webhook-id": `msg_${seed.createId()}` });
}

/** A CloudEvent in structured mode with a native event. */
function createCloudEventSample(seed: SampleSeed): Sample {
  return createJsonSample(`webhooks/cloudevents/${seed.log}`, {
    specversion: "1.0",
    id: seed.createId(),
    source: "/samples",
    type: `${seed.log}.recorded`,
    time: seed.now.toISOString(),
    datacontenttype: "application/json",
    data: createEvent(seed),
  }, { "content-type": "application/cloudevents+json" });
}

/** The log's example, happening now, without an id. */
function createEvent({ log, now }: SampleSeed): Record<string, unknown> {
  const { example, timeColumn } = LOGS_BY_SLUG[log];
  const { id: _, ...event } = example;
  return { ...event, [timeColumn]: now.toISOString() };
}

/** The payload of a Database Webhook for an UPDATE of a table `invoices`. */
function createDatabaseSample({ now, createId }: SampleSeed): Sample {
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

/** The payload of Supabase Auth's after-user-created hook. */
function createAuthSample({ now, createId }: SampleSeed): Sample {
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

/** A batch of LiteLLM's `generic_api`: a call that succeeded and one that did not. */
function createLitellmSample(
  { now, createId }: SampleSeed,
): Sample {
  const end = now.getTime() / 1_000;
  const call = {
    trace_id: createId(),
    call_type: "acompletion",
    stream: false,
    custom_llm_provider: "anthropic",
    model: "anthropic/claude-sonnet-4-5",
    model_group: "claude-sonnet",
    startTime: end - 1.25,
    endTime: end,
    cache_hit: false,
    request_tags: ["task_type:extraction"],
    metadata: {
      user_api_key_alias: "extractor",
      spend_logs_metadata: {
        firm_id: DEMO.firm_id,
        cma_project_id: DEMO.cma_project_id,
      },
      usage_object: {} as unknown,
    },
  };
  const usage = {
    prompt_tokens: 5_200,
    completion_tokens: 310,
    total_tokens: 5_510,
    prompt_tokens_details: {
      cached_tokens: 4_000,
      cache_creation_tokens: 1_000,
    },
    completion_tokens_details: { reasoning_tokens: 120 },
  };
  const succeeded = {
    ...call,
    id: `chatcmpl-${createId()}`,
    status: "success",
    response_cost: 0.0102,
    prompt_tokens: usage.prompt_tokens,
    completion_tokens: usage.completion_tokens,
    total_tokens: usage.total_tokens,
    metadata: { ...call.metadata, usage_object: usage },
  };
  const failed = {
    ...call,
    id: createId(),
    status: "failure",
    response_cost: 0,
    prompt_tokens: 0,
    completion_tokens: 0,
    total_tokens: 0,
    error_str: "litellm.RateLimitError: AnthropicException - 429",
    error_information: { error_code: "429", error_class: "RateLimitError" },
  };
  return createJsonSample("webhooks/litellm", [succeeded, failed]);
}

/** What Portkey's check `default.log` posts after a call, with a made-up key. */
function createPortkeySample({ createId }: SampleSeed): Sample {
  const model = "claude-sonnet-4-5";
  const messages = [{ role: "user", content: "Extract the total." }];
  return createJsonSample("webhooks/portkey", {
    request: {
      json: { model, messages },
      text: messages[0].content,
      isStreamingRequest: false,
      headers: { "x-portkey-config": '{"api_key":"made-up"}' },
    },
    response: {
      json: {
        id: `msg_${createId()}`,
        object: "chat.completion",
        model: "claude-sonnet-4-5-20250929",
        choices: [{ message: { role: "assistant", content: "1,200" } }],
        usage: {
          prompt_tokens: 200,
          completion_tokens: 310,
          total_tokens: 5_510,
          cache_read_input_tokens: 4_000,
          cache_creation_input_tokens: 1_000,
        },
      },
      text: "1,200",
      statusCode: 200,
    },
    provider: "anthropic",
    requestType: "chatComplete",
    metadata: { firm_id: DEMO.firm_id, task_type: "extraction" },
  });
}

/**
 * An OTLP export of an agent's turn: a model call and a tool use, with the names of the
 * demo world's registry.
 */
function createOtlpSample({ now, createId }: SampleSeed): Sample {
  const traceId = createId().replaceAll("-", "");
  const createSpan = (
    name: string,
    kind: number,
    milliseconds: number,
    attributes: Record<string, string | number>,
  ) => ({
    traceId,
    spanId: createId().replaceAll("-", "").slice(-16),
    name,
    kind,
    startTimeUnixNano: toNanoseconds(now.getTime() - milliseconds),
    endTimeUnixNano: toNanoseconds(now.getTime()),
    attributes: toKeyValues(attributes),
    status: {},
  });
  const agent = createSpan("invoke_agent research-agent", INTERNAL, 4_000, {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": "research-agent",
  });
  const call = createSpan("chat claude-sonnet-4-5", CLIENT, 3_000, {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "claude-sonnet-4-5",
    "gen_ai.usage.input_tokens": 5_200,
    "gen_ai.usage.cache_read.input_tokens": 4_000,
    "gen_ai.usage.output_tokens": 310,
  });
  const use = createSpan("execute_tool web-search", INTERNAL, 1_000, {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "web-search",
  });
  const inside = { parentSpanId: agent.spanId };
  const resource = {
    "service.name": "sample",
    "ledger.firm_id": DEMO.firm_id,
    "ledger.task_type": "extraction",
  };
  return createJsonSample("otlp/v1/traces", {
    resourceSpans: [{
      resource: { attributes: toKeyValues(resource) },
      scopeSpans: [{
        scope: { name: "sample" },
        spans: [agent, { ...call, ...inside }, { ...use, ...inside }],
      }],
    }],
  });
}

/** Numbers of the SpanKind (opentelemetry.proto.trace.v1.Span.SpanKind). */
const INTERNAL = 1;
const CLIENT = 3;

function toNanoseconds(milliseconds: number): string {
  return `${milliseconds}000000`;
}

function toKeyValues(attributes: Record<string, string | number>): unknown[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === "number"
      ? { intValue: String(value) }
      : { stringValue: value },
  }));
}
