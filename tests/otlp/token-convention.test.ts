import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decideConvention,
  type SentCounts,
} from "../../shared/otlp/token-convention.ts";
import { chat, readCall } from "../support/otlp-exports.ts";

/** Input, output, total, cache reads, cache writes and reasoning (G). */
type Short = {
  I: number;
  O: number;
  T?: number;
  R?: number;
  W?: number;
  G?: number;
};

const toAttributes = ({ I, O, T, R, W, G }: Short) =>
  chat(I, O, {
    ...(T === undefined ? {} : { "gen_ai.usage.total_tokens": T }),
    ...(R === undefined ? {} : { "gen_ai.usage.cache_read.input_tokens": R }),
    ...(W === undefined ? {} : { "gen_ai.usage.cache_write.input_tokens": W }),
    ...(G === undefined ? {} : { "gen_ai.usage.reasoning.output_tokens": G }),
    "gen_ai.provider.name": "unknown",
  });

describe("the token counts of a span", () => {
  test.each<[string, Short, [number, number, string?, string?]]>([
    ["without cache and reasoning need no convention", { I: 9, O: 3 }, [9, 3]],
    ["of zero need no convention", { I: 9, O: 3, R: 0, W: 0, G: 0 }, [9, 3]],
    [
      "with more cached than input exclude the cache (Anthropic's own numbers)",
      { I: 7, O: 100, R: 16_399, W: 2_089 },
      [18_495, 100, "exclusive", "proved"],
    ],
    [
      "with a total that adds the cache exclude it",
      { I: 1000, O: 50, T: 1450, R: 300, W: 100 },
      [1400, 50, "exclusive", "proved"],
    ],
    [
      "with a total that adds the writes include the reads",
      { I: 1000, O: 50, T: 1150, R: 300, W: 100 },
      [1100, 50, "exclusive", "proved"],
    ],
    [
      "with a total that adds the reads include the writes",
      { I: 1000, O: 50, T: 1350, R: 300, W: 100 },
      [1300, 50, "exclusive", "proved"],
    ],
    [
      "with a plain total are likely inclusive",
      { I: 300, O: 200, T: 500, R: 100 },
      [300, 200, "inclusive", "likely"],
    ],
    [
      "with a plain total and more cached than input exclude the cache",
      { I: 7, O: 10, T: 17, R: 100 },
      [107, 10, "exclusive", "proved"],
    ],
    [
      "with an inconsistent total ignore it",
      { I: 300, O: 200, T: 7, R: 100 },
      [300, 200, "inclusive", "default"],
    ],
    [
      "with more reasoning than output exclude reasoning",
      { I: 10, O: 5, G: 900 },
      [10, 905, "exclusive", "proved"],
    ],
    [
      "with a total that adds reasoning exclude it (Gemini, xAI)",
      { I: 10, O: 500, T: 910, G: 400 },
      [10, 900, "exclusive", "proved"],
    ],
    [
      "with a total that adds the cache exclude it and include reasoning",
      { I: 10, O: 500, T: 530, R: 20, G: 400 },
      [30, 500, "exclusive", "proved"],
    ],
    [
      "with equal cache and reasoning leave open which one a total adds",
      { I: 500, O: 500, T: 1100, R: 100, G: 100 },
      [500, 500, "inclusive", "default"],
    ],
    [
      "without a total are inclusive by default",
      { I: 300, O: 200, R: 100, G: 50 },
      [300, 200, "inclusive", "default"],
    ],
  ])("%s", async (_, counts, [input, output, convention, basis]) => {
    const event = await readCall(toAttributes(counts));
    expect(event).toMatchObject({ input_tokens: input, output_tokens: output });
    expect([event.token_convention, event.convention_basis])
      .toEqual([convention, basis]);
  });

  test.each([
    [200, "include the cache", 300, "inclusive"],
    [300, "exclude the cache", 400, "exclusive"],
  ])(
    "with uncached input of %d %s",
    async (uncached, _, input_tokens, token_convention) => {
      const event = await readCall(chat(300, 20, {
        "gen_ai.usage.cache_read.input_tokens": 100,
        "ai.usage.inputTokenDetails.noCacheTokens": uncached,
      }));
      expect(event).toMatchObject({
        input_tokens,
        token_convention,
        convention_basis: "proved",
      });
    },
  );

  test.each([[30, 50, "inclusive"], [50, 70, "exclusive"]])(
    "with visible output of %d beside reasoning of 20 have an output of %d",
    async (visible, full, convention) => {
      const event = await readCall(chat(10, 50, {
        "ai.usage.outputTokenDetails.textTokens": visible,
        "ai.usage.outputTokenDetails.reasoningTokens": 20,
      }));
      expect(event).toMatchObject({
        output_tokens: full,
        token_convention: convention,
        convention_basis: "proved",
      });
    },
  );
});

describe("the source of a span", () => {
  const CACHED = { "gen_ai.usage.cache_read.input_tokens": 100 };
  const OWN_NAMES = { "gen_ai.usage.cache_read_input_tokens": 100 };
  const from = (provider: string, more: object) =>
    chat(300, 200, { "gen_ai.provider.name": provider, ...more });

  test.each<[string, string, Record<string, unknown>, [string, string]]>([
    [
      "the AI SDK",
      "gen_ai",
      from("anthropic", CACHED),
      ["inclusive", "declared"],
    ],
    [
      "OpenRouter",
      "broadcast",
      from("Anthropic", { "gen_ai.usage.input_tokens.cached": 100 }),
      ["inclusive", "declared"],
    ],
    [
      "OpenInference",
      "openinference.instrumentation.anthropic",
      {
        "openinference.span.kind": "LLM",
        "llm.model_name": "claude",
        "llm.token_count.prompt": 300,
        "llm.token_count.completion": 200,
        "llm.token_count.prompt_details.cache_read": 100,
      },
      ["inclusive", "declared"],
    ],
    ["LiteLLM", "litellm", from("anthropic", CACHED), ["inclusive", "likely"]],
    [
      "OpenLLMetry for Anthropic",
      "opentelemetry.instrumentation.anthropic",
      from("anthropic", CACHED),
      ["inclusive", "likely"],
    ],
    [
      "OpenLLMetry for OpenAI",
      "opentelemetry.instrumentation.openai.v1",
      from("openai", CACHED),
      ["inclusive", "likely"],
    ],
    [
      "OpenLLMetry for Bedrock",
      "opentelemetry.instrumentation.bedrock",
      from("aws.bedrock", CACHED),
      ["exclusive", "likely"],
    ],
    [
      "OpenLLMetry for LlamaIndex over Anthropic",
      "opentelemetry.instrumentation.llamaindex",
      from("anthropic", CACHED),
      ["exclusive", "likely"],
    ],
    [
      "the AI SDK 5 over Anthropic",
      "ai",
      {
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.model.provider": "anthropic.messages",
        "ai.response.model": "claude",
        "ai.usage.inputTokens": 300,
        "ai.usage.outputTokens": 200,
        "ai.usage.cachedInputTokens": 100,
      },
      ["exclusive", "likely"],
    ],
    ["OpenAI's counts", "x", from("openai", CACHED), ["inclusive", "likely"]],
    [
      "Anthropic's attribute names",
      "x",
      from("anthropic", OWN_NAMES),
      ["exclusive", "likely"],
    ],
    [
      "the conventions' attribute names, for any provider",
      "x",
      from("anthropic", CACHED),
      ["inclusive", "default"],
    ],
    [
      "an unknown provider",
      "x",
      from("unknown", OWN_NAMES),
      ["inclusive", "default"],
    ],
  ])("decides for %s", async (_, scope, attributes, [convention, basis]) => {
    const event = await readCall(attributes, { scope });
    expect(event).toMatchObject({
      input_tokens: convention === "exclusive" ? 400 : 300,
      output_tokens: 200,
      cache_read_tokens: 100,
      token_convention: convention,
      convention_basis: basis,
    });
  });

  test.each([["x_ai", 250], ["gcp.gemini", 250], ["openai", 200]])(
    "decides that reasoning of %s gives an output of %d",
    async (provider, output) => {
      const event = await readCall(
        from(provider, { "gen_ai.usage.reasoning_tokens": 50 }),
      );
      expect(event).toMatchObject({
        output_tokens: output,
        reasoning_tokens: 50,
        convention_basis: "likely",
      });
    },
  );

  test.each([
    ["the span", { span: "exclusive" }],
    ["the resource", { resource: "exclusive" }],
    ["the URL", { url: "exclusive" }],
  ])("has lower precedence than a declaration in %s", async (_, where) => {
    const { span, resource, url } = where as Record<string, string | undefined>;
    const event = await readCall(
      from("openai", { ...CACHED, ...declare(span) }),
      {
        resource: declare(resource),
        settings: {
          firm_id: "f",
          task_type: "extraction",
          ...(url ? { token_convention: url } : {}),
        },
      },
    );
    expect(event).toMatchObject({
      input_tokens: 400,
      token_convention: "exclusive",
      convention_basis: "declared",
    });
  });

  test("has lower precedence than proof by the counts", async () => {
    const event = await readCall(
      chat(7, 100, { "gen_ai.usage.cache_read.input_tokens": 100 }),
      { scope: "gen_ai" },
    );
    expect(event).toMatchObject({
      input_tokens: 107,
      convention_basis: "proved",
    });
  });

  test("gives the basis of the weakest of two decisions", async () => {
    const event = await readCall(chat(7, 100, {
      "gen_ai.provider.name": "x_ai",
      "gen_ai.usage.cache_read.input_tokens": 100,
      "gen_ai.usage.reasoning_tokens": 50,
    }));
    expect(event).toMatchObject({
      input_tokens: 107,
      output_tokens: 150,
      token_convention: "exclusive",
      convention_basis: "likely",
    });
  });

  function declare(value: string | undefined): Record<string, string> {
    return value === undefined ? {} : { "ledger.token_convention": value };
  }
});

describe("decideConvention()", () => {
  const count = fc.oneof(fc.nat(20), fc.nat(100_000));
  const optional = fc.option(count);
  const counts: fc.Arbitrary<SentCounts & { input: number; output: number }> =
    fc.record({
      input: count,
      output: count,
      total: optional,
      cacheRead: count,
      cacheWrite: count,
      cacheWrite1h: fc.constant(0),
      uncachedInput: optional,
      reasoning: count,
      visibleOutput: optional,
    });
  const inference = fc.record({
    convention: fc.constantFrom("inclusive" as const, "exclusive" as const),
    basis: fc.constantFrom(
      "declared" as const,
      "likely" as const,
      "default" as const,
    ),
  });

  test("never makes a part larger than the whole, nor adds less than zero", () => {
    fc.assert(
      fc.property(counts, inference, inference, (sent, cache, reasoning) => {
        const decided = decideConvention(sent, { cache, reasoning });
        expect(decided.addedInput).toBeGreaterThanOrEqual(0);
        expect(decided.addedOutput).toBeGreaterThanOrEqual(0);
        expect(sent.input + decided.addedInput)
          .toBeGreaterThanOrEqual(sent.cacheRead + sent.cacheWrite);
        expect(sent.output + decided.addedOutput)
          .toBeGreaterThanOrEqual(sent.reasoning);
      }),
      { numRuns: 5_000 },
    );
  });

  test("restores the full counts when they are proved", () => {
    const call = fc.record({
      uncached: count,
      read: count,
      write: count,
      visible: count,
      reasoning: count,
      readApart: fc.boolean(),
      writeApart: fc.boolean(),
      reasoningApart: fc.boolean(),
    });
    fc.assert(
      fc.property(call, (c) => {
        const full = c.uncached + c.read + c.write;
        const sent = {
          input: full - (c.readApart ? c.read : 0) -
            (c.writeApart ? c.write : 0),
          output: c.visible + (c.reasoningApart ? 0 : c.reasoning),
          total: full + c.visible + c.reasoning,
          cacheRead: c.read,
          cacheWrite: c.write,
          cacheWrite1h: 0,
          uncachedInput: null,
          reasoning: c.reasoning,
          visibleOutput: null,
        };
        const unknown = { convention: "inclusive", basis: "default" } as const;
        const decided = decideConvention(sent, {
          cache: unknown,
          reasoning: unknown,
        });
        // The same sum may come about in several ways; then nothing is proved.
        if (decided.inference?.basis !== "proved") return;
        expect(sent.input + decided.addedInput).toBe(full);
        expect(sent.output + decided.addedOutput).toBe(c.visible + c.reasoning);
      }),
      { numRuns: 5_000 },
    );
  });
});
