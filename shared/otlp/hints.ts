import { ALIASES, findText } from "./attributes.ts";
import type { Span } from "./span.ts";

/** Scope of a known sender → the remedy where none of its spans is recognized. */
const REMEDIES: readonly (readonly [scope: RegExp, remedy: string])[] = [
  [
    /^langfuse/,
    "record model calls as generations with model and usageDetails",
  ],
  [
    /^gcp\.vertex\.agent/,
    "export the spans call_llm, with ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS=true for all token counts",
  ],
  [/^genkit/, "export the spans of models, with their genkit:output"],
  [
    /^gemini-cli/,
    "export the spans llm_call; Gemini CLI counts tokens in its logs only",
  ],
  [
    /^codex/,
    "export the spans handle_responses together with the spans around them",
  ],
  [
    /^com\.anthropic\.claude_code/,
    "set CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1 for the spans claude_code.llm_request",
  ],
  [
    /^(?:ai|gen_ai|braintrust|langsmith|litellm|lmnr|mlflow|logfire|pydantic-ai|qwen-code)$|^@(?:ai-sdk|arizeai|mastra|traceloop)\/|^(?:openinference|opentelemetry)\.instrumentation\.(?:anthropic|bedrock|google|langchain|llama|openai)/,
    "export the spans of model calls with their token counts",
  ],
];

/** Names of a model that mean no other kind of model. */
const PREFIXED = ALIASES.model.filter((name) => name !== "model");

/** The remedy for spans of other senders that name a model. */
const OTHER =
  "set gen_ai.operation.name (chat, embeddings), gen_ai.response.model and gen_ai.usage.input_tokens and output_tokens on the spans of model calls";

/**
 * The hint for an export of which no span has a known role: null unless a span is of a
 * known sender or names a model.
 */
export function explainUnrecognized(spans: readonly Span[]): string | null {
  const remedy = findRemedy(spans);
  return remedy === undefined
    ? null
    : `No span of this export was recognized as a model call or a tool use; ${remedy}.`;
}

function findRemedy(spans: readonly Span[]): string | undefined {
  for (const { scope } of spans) {
    const found = REMEDIES.find(([pattern]) => pattern.test(scope));
    if (found !== undefined) return found[1];
  }
  const isNamed = spans.some(({ attributes }) =>
    findText(attributes, PREFIXED) !== ""
  );
  return isNamed ? OTHER : undefined;
}
