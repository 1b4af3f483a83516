import { describe, expect, test } from "vitest";
import { extractUsage } from "../../shared/pricing/extract-usage.ts";

const MAX = 2_147_483_647;

/** A provider with its flavour, and usage that cannot be read. */
type Refused = [format: string, usage: unknown];

/** Refused usage by its issue: pointer, code and a part of the detail. */
const REFUSED: Record<string, Record<string, Refused>> = {
  "/provider invalid_value: send input_tokens and output_tokens instead of usage":
    {
      "a provider without a format": ["voyageai", {}],
      "an unknown provider": ["acme chat", {}],
      "a member of every object as a provider": ["constructor", {}],
    },
  "/api_flavor invalid_value: chat, responses, realtime, images, embeddings": {
    "a missing flavour of a provider with several": ["openai", {
      prompt_tokens: 1,
      completion_tokens: 1,
    }],
    "an unknown flavour": ["openai hunter2", {}],
  },
  "/api_flavor invalid_value: default": {
    "a member of every object as a flavour": ["groq __proto__", {}],
  },
  "/usage invalid_type: Expected an object": {
    "usage that is a string": ["groq", "hunter2"],
    "usage that is an array": ["groq", []],
  },
  "/usage/prompt_tokens required: Is required. Expected an integer": {
    "missing usage": ["groq", undefined],
    "missing input": ["groq", { completion_tokens: 1 }],
  },
  "/usage/completion_tokens required: Expected an integer": {
    "output that is null": ["groq", {
      prompt_tokens: 1,
      completion_tokens: null,
    }],
    "output of the prototype": ["groq", {
      prompt_tokens: 1,
      __proto__: { completion_tokens: 1 },
    }],
  },
  "/usage/billed_units/input_tokens required: Expected an integer": {
    "missing billed units": ["cohere", { tokens: {} }],
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
  "/usage/prompt_tokens_details invalid_type: Expected an object": {
    "details that are an array": ["groq", {
      prompt_tokens: 1,
      completion_tokens: 1,
      prompt_tokens_details: [],
    }],
  },
  "/usage/promptTokensDetails invalid_type: Expected an array": {
    "a list that is an object": ["google", {
      promptTokenCount: 1,
      promptTokensDetails: {},
    }],
  },
  "/usage/promptTokensDetails/1/tokenCount out_of_range: from 0": {
    "an issue in a list": ["google", {
      promptTokenCount: 1,
      promptTokensDetails: [null, { modality: "AUDIO", tokenCount: -7 }],
    }],
  },
  "/usage invalid_value: send any of promptTokenCount, cachedContentTokenCount":
    { "usage without any count": ["google", { constructor: 1 }] },
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
    async (_, [format, usage]) => {
      const [provider, apiFlavor] = format.split(" ");
      const result = await extractUsage({ provider, apiFlavor, usage });
      expect(result).toEqual({
        issue: { pointer, code, detail: expect.stringContaining(detail) },
      });
      expect(JSON.stringify(result)).not.toMatch(/hunter2|4_?111|-7/);
    },
  );
});
