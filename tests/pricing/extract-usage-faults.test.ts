import { describe, expect, test } from "vitest";
import { extractUsage } from "../../shared/pricing/extract-usage.ts";
import { canonicalProvider } from "../../shared/pricing/providers.ts";

const MAX = 2_147_483_647;

/** A provider with its flavour, and usage that cannot be read. */
type Refused = [format: string, usage: unknown];

/** Refused usage by its issue: pointer, code and a part of the detail. */
const REFUSED: Record<string, Record<string, Refused>> = {
  "/api_flavor required: ai-sdk-5, whose input excludes cached tokens (17500 input tokens in all), and ai-sdk-6, whose input includes them (9500)":
    {
      "cached input that either version of an SDK may state": ["anthropic", {
        inputTokens: 9500,
        outputTokens: 300,
        totalTokens: 9800,
        cachedInputTokens: 8000,
      }],
    },
  "/api_flavor required: ocr, for pages without annotations, and ocr_annotated":
    { "pages that may be annotated": ["mistral", { pages_processed: 29 }] },
  "/usage invalid_type: Expected an object": {
    "usage that is a string": ["groq", "hunter2"],
    "usage that is an array": ["groq", []],
    "missing usage": ["groq", undefined],
  },
  "/usage/prompt_tokens invalid_type: Expected an integer": {
    "a number in a string": ["groq", {
      prompt_tokens: "4111111111111111",
      completion_tokens: 1,
    }],
    "a fraction": ["groq", { prompt_tokens: 1.5, completion_tokens: 1 }],
  },
  "/usage/prompt_tokens out_of_range: from 0 to 2147483647": {
    "a negative number": ["groq", { prompt_tokens: -7, completion_tokens: 1 }],
    "more than an integer of the database": ["groq", {
      prompt_tokens: MAX + 1,
      completion_tokens: 1,
    }],
  },
  "/usage/input_tokens out_of_range: 2147483647": {
    "a sum of more than an integer of the database": ["anthropic", {
      input_tokens: MAX,
      cache_read_input_tokens: 1,
      output_tokens: 1,
    }],
  },
  "/usage/prompt_tokens_details/cached_tokens invalid_type: Expected an integer":
    {
      "an optional member of another type": ["groq", {
        prompt_tokens: 1,
        completion_tokens: 1,
        prompt_tokens_details: { cached_tokens: true },
      }],
    },
  "/usage/promptTokensDetails/1/tokenCount out_of_range: from 0": {
    "an issue in a list": ["google", {
      promptTokenCount: 1,
      promptTokensDetails: [null, { modality: "AUDIO", tokenCount: -7 }],
    }],
  },
  "/usage invalid_value: Has no known count; send the usage object of the provider or SDK unchanged":
    {
      "usage without any count": ["google", { constructor: 1 }],
      "an empty object": ["groq", {}],
      "counts of the prototype": ["groq", {
        __proto__: { prompt_tokens: 1, completion_tokens: 1 },
      }],
      "a count of another thing": ["groq", { horses: 4_111 }],
    },
  "/usage/prompt_tokens_details/cached_tokens invalid_value: Exceeds the input tokens that include it":
    {
      "more cached than input": ["openai chat", {
        prompt_tokens: 99,
        completion_tokens: 1,
        prompt_tokens_details: { cached_tokens: 4_111 },
      }],
      "more cached and audio than input": ["openai chat", {
        prompt_tokens: 100,
        completion_tokens: 1,
        prompt_tokens_details: {
          cached_tokens: 80,
          audio_tokens: 80,
          cache_write_tokens: 80,
        },
      }],
    },
  "/usage/prompt_tokens_details/cache_write_tokens invalid_value: input tokens":
    {
      "more cache reads and writes than input": ["openai chat", {
        prompt_tokens: 100,
        completion_tokens: 1,
        prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 60 },
      }],
    },
  "/usage/output_tokens_details/reasoning_tokens invalid_value: Exceeds the output tokens that include it":
    {
      "more reasoning than output": ["openai responses", {
        input_tokens: 1,
        output_tokens: 10,
        output_tokens_details: { reasoning_tokens: 4_111 },
      }],
    },
  "/usage/cache_creation/ephemeral_1h_input_tokens invalid_value: cache write tokens":
    {
      "parts of cache writes above their sum": ["anthropic", {
        input_tokens: 1,
        output_tokens: 1,
        cache_creation_input_tokens: 10,
        cache_creation: {
          ephemeral_5m_input_tokens: 6,
          ephemeral_1h_input_tokens: 5,
        },
      }],
    },
  "/usage/input_token_details/cached_tokens_details/audio_tokens invalid_value: input audio tokens":
    {
      "more cached audio than audio": ["openai realtime", {
        input_tokens: 100,
        output_tokens: 1,
        input_token_details: {
          audio_tokens: 10,
          cached_tokens: 50,
          cached_tokens_details: { audio_tokens: 11 },
        },
      }],
    },
};

describe.each(Object.entries(REFUSED))("%s", (issue, cases) => {
  const [, pointer, code, detail] = /^(\S+) (\w+): (.+)$/.exec(issue)!;

  test.each(Object.entries(cases))(
    "is the issue of %s, without a value",
    (_, [format, usage]) => {
      const [provider, apiFlavor] = format.split(" ");
      const result = extractUsage({
        provider: canonicalProvider(provider),
        apiFlavor,
        usage,
      });
      expect(result).toEqual({
        issue: { pointer, code, detail: expect.stringContaining(detail) },
      });
      expect(JSON.stringify(result)).not.toMatch(/hunter2|4_?111|-7/);
    },
  );
});
