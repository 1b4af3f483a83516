import { FIRM, newId, PROJECT } from "../support/running-stack.ts";

/** Content and keys of a body of Portkey, which must not be found anywhere. */
export const SECRETS = ["the prompt of a customer", "sk-provider-4711-key"];

const [PROMPT, KEY] = SECRETS;

/** A usage object of OpenAI, as Portkey passes it through. */
export const USAGE = {
  prompt_tokens: 1200,
  completion_tokens: 150,
  total_tokens: 1350,
  prompt_tokens_details: { cached_tokens: 1024 },
  completion_tokens_details: { reasoning_tokens: 64 },
};

/** The body that Portkey's check `default.log` posts after a call. */
export function createCall(
  changes: Record<string, unknown> = {},
  response: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    request: {
      json: {
        model: "gpt-4o-mini",
        messages: [{ role: "user", content: PROMPT }],
      },
      text: PROMPT,
      isStreamingRequest: false,
      headers: {
        authorization: `Bearer ${KEY}`,
        "x-portkey-config": JSON.stringify({ api_key: KEY }),
      },
    },
    response: {
      json: {
        id: `chatcmpl-${newId()}`,
        object: "chat.completion",
        model: "gpt-4o-mini-2024-07-18",
        service_tier: "default",
        choices: [{ message: { role: "assistant", content: PROMPT } }],
        usage: USAGE,
        ...response,
      },
      text: PROMPT,
      statusCode: 200,
    },
    provider: "openai",
    requestType: "chatComplete",
    metadata: {
      firm_id: FIRM,
      cma_project_id: PROJECT,
      task_type: "extraction",
      _user: PROMPT,
    },
    ...changes,
  };
}
