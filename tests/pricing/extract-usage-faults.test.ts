import { expect, test } from "vitest";
import { extractUsage } from "../../shared/pricing/extract-usage.ts";

const MAX = 2_147_483_647;

/** What cannot be read: where the issue lies, its code and a part of its detail. */
const REFUSED: [
  string,
  string,
  string | undefined,
  unknown,
  [string, string, string],
][] = [
  ["a provider without a format", "voyageai", undefined, {}, [
    "/provider",
    "invalid_value",
    "send input_tokens and output_tokens instead of usage",
  ]],
  ["a provider that is unknown", "acme", "chat", {}, [
    "/provider",
    "invalid_value",
    "send input_tokens",
  ]],
  ["a member of every object as a provider", "constructor", undefined, {}, [
    "/provider",
    "invalid_value",
    "send input_tokens",
  ]],
  ["no flavour where there are several", "openai", undefined, {
    prompt_tokens: 1,
    completion_tokens: 1,
  }, [
    "/api_flavor",
    "invalid_value",
    "chat, responses, realtime, images, embeddings",
  ]],
  ["a flavour that is unknown", "openai", "hunter2", {}, [
    "/api_flavor",
    "invalid_value",
    "chat, responses",
  ]],
  ["a member of every object as a flavour", "groq", "__proto__", {}, [
    "/api_flavor",
    "invalid_value",
    "default",
  ]],
  ["usage that is a string", "groq", undefined, "hunter2", [
    "/usage",
    "invalid_type",
    "Expected an object",
  ]],
  ["usage that is an array", "groq", undefined, [], [
    "/usage",
    "invalid_type",
    "Expected an object",
  ]],
  ["usage that is missing", "groq", undefined, undefined, [
    "/usage/prompt_tokens",
    "required",
    "Is required. Expected an integer",
  ]],
  ["input that is missing", "groq", undefined, { completion_tokens: 1 }, [
    "/usage/prompt_tokens",
    "required",
    "Expected an integer",
  ]],
  ["output that is null", "groq", undefined, {
    prompt_tokens: 1,
    completion_tokens: null,
  }, ["/usage/completion_tokens", "required", "Expected an integer"]],
  ["output that everything has", "groq", undefined, {
    prompt_tokens: 1,
    __proto__: { completion_tokens: 1 },
  }, ["/usage/completion_tokens", "required", "Expected an integer"]],
  ["billed units that are missing", "cohere", undefined, { tokens: {} }, [
    "/usage/billed_units/input_tokens",
    "required",
    "Expected an integer",
  ]],
  ["a number in a string", "groq", undefined, {
    prompt_tokens: "4111111111111111",
    completion_tokens: 1,
  }, ["/usage/prompt_tokens", "invalid_type", "Expected an integer"]],
  ["a fraction", "groq", undefined, {
    prompt_tokens: 1.5,
    completion_tokens: 1,
  }, ["/usage/prompt_tokens", "invalid_type", "Expected an integer"]],
  ["less than nothing", "groq", undefined, {
    prompt_tokens: -7,
    completion_tokens: 1,
  }, ["/usage/prompt_tokens", "out_of_range", "from 0 to 2147483647"]],
  ["more than the database holds", "groq", undefined, {
    prompt_tokens: MAX + 1,
    completion_tokens: 1,
  }, ["/usage/prompt_tokens", "out_of_range", "from 0 to 2147483647"]],
  ["a sum that is more than the database holds", "anthropic", undefined, {
    input_tokens: MAX,
    cache_read_input_tokens: 1,
    output_tokens: 1,
  }, ["/usage/input_tokens", "out_of_range", "2147483647"]],
  ["an optional member of another type", "groq", undefined, {
    prompt_tokens: 1,
    completion_tokens: 1,
    prompt_tokens_details: { cached_tokens: true },
  }, [
    "/usage/prompt_tokens_details/cached_tokens",
    "invalid_type",
    "Expected an integer",
  ]],
  ["details that are an array", "groq", undefined, {
    prompt_tokens: 1,
    completion_tokens: 1,
    prompt_tokens_details: [],
  }, ["/usage/prompt_tokens_details", "invalid_type", "Expected an object"]],
  ["a list that is an object", "google", undefined, {
    promptTokenCount: 1,
    promptTokensDetails: {},
  }, ["/usage/promptTokensDetails", "invalid_type", "Expected an array"]],
  ["an issue in a list", "google", undefined, {
    promptTokenCount: 1,
    promptTokensDetails: [null, { modality: "AUDIO", tokenCount: -7 }],
  }, ["/usage/promptTokensDetails/1/tokenCount", "out_of_range", "from 0"]],
  ["usage without any count", "google", undefined, { constructor: 1 }, [
    "/usage",
    "invalid_value",
    "send any of promptTokenCount, cachedContentTokenCount",
  ]],
  ["more cached than there is input", "openai", "chat", {
    prompt_tokens: 99,
    completion_tokens: 1,
    prompt_tokens_details: { cached_tokens: 4_111 },
  }, [
    "/usage/prompt_tokens_details/cached_tokens",
    "invalid_value",
    "Exceeds the input tokens that include it",
  ]],
  ["more read and written than there is input", "openai", "chat", {
    prompt_tokens: 100,
    completion_tokens: 1,
    prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 60 },
  }, [
    "/usage/prompt_tokens_details/cache_write_tokens",
    "invalid_value",
    "input tokens",
  ]],
  ["more cached and spoken than there is input", "openai", "chat", {
    prompt_tokens: 100,
    completion_tokens: 1,
    prompt_tokens_details: {
      cached_tokens: 80,
      audio_tokens: 80,
      cache_write_tokens: 80,
    },
  }, [
    "/usage/prompt_tokens_details/cached_tokens",
    "invalid_value",
    "input tokens",
  ]],
  ["more reasoning than there is output", "openai", "responses", {
    input_tokens: 1,
    output_tokens: 10,
    output_tokens_details: { reasoning_tokens: 4_111 },
  }, [
    "/usage/output_tokens_details/reasoning_tokens",
    "invalid_value",
    "Exceeds the output tokens that include it",
  ]],
  ["cache writes whose parts are more than all", "anthropic", undefined, {
    input_tokens: 1,
    output_tokens: 1,
    cache_creation_input_tokens: 10,
    cache_creation: {
      ephemeral_5m_input_tokens: 6,
      ephemeral_1h_input_tokens: 5,
    },
  }, [
    "/usage/cache_creation/ephemeral_1h_input_tokens",
    "invalid_value",
    "cache write tokens",
  ]],
  ["more cached audio than audio", "openai", "realtime", {
    input_tokens: 100,
    output_tokens: 1,
    input_token_details: {
      audio_tokens: 10,
      cached_tokens: 50,
      cached_tokens_details: { audio_tokens: 11 },
    },
  }, [
    "/usage/input_token_details/cached_tokens_details/audio_tokens",
    "invalid_value",
    "input audio tokens",
  ]],
];

test.each(REFUSED)(
  "refuses %s without repeating a value",
  async (_, provider, apiFlavor, usage, wanted) => {
    const result = await extractUsage({ provider, apiFlavor, usage });
    const [pointer, code, detail] = wanted;
    expect(result).toEqual({
      issue: { pointer, code, detail: expect.stringContaining(detail) },
    });
    expect(JSON.stringify(result)).not.toMatch(/hunter2|4_?111|-7/);
  },
);
