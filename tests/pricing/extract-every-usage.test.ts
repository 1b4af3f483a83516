import {
  extractUsage as extractTheirs,
  type UsageExtractor,
  waitForUpdate,
} from "@pydantic/genai-prices";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  extractUsage,
  type UsageCounts,
} from "../../shared/pricing/extract-usage.ts";

const KINDS = ["audio", "image", "video"];
const providers = (await waitForUpdate())!;
const extractors = providers.flatMap((provider) =>
  (provider.extractors ?? []).map((extractor) =>
    [provider.id, extractor.api_flavor, provider, extractor] as const
  )
);

describe("extractUsage() agrees with genai-prices", () => {
  test.each(extractors)(
    "for %s, %s",
    (_, flavor, provider, extractor) => {
      fc.assert(
        fc.property(responses(extractor), (response) => {
          const theirs = extractTheirs(provider, response, flavor).usage;
          // The output of the Images API is images unless it is said to be text.
          if (flavor === "images" && !theirs.output_text_tokens) {
            theirs.output_image_tokens ??= theirs.output_tokens;
          }
          const result = extractUsage({
            provider: provider.id,
            apiFlavor: flavor,
            usage: usageOf(extractor, response),
          });
          if ("issue" in result) throw new Error(JSON.stringify(result));
          expect(putTogether(result.counts, theirs))
            .toEqual(withoutText(theirs));
          expect(remainders(result.counts).every((rest) => rest >= 0))
            .toBe(true);
        }),
        { numRuns: 50 },
      );
    },
  );
});

test("every unit of the extractors is handled explicitly", () => {
  const units = new Set(
    extractors.flatMap(([, , , { mappings }]) => mappings.map((m) => m.dest)),
  );
  // A new one here may include others, or be included: see split-counts.ts.
  expect([...units].sort()).toMatchInlineSnapshot(`
    [
      "audio_seconds",
      "cache_audio_read_tokens",
      "cache_image_read_tokens",
      "cache_read_tokens",
      "cache_text_read_tokens",
      "cache_video_read_tokens",
      "cache_write_1h_tokens",
      "cache_write_5m_tokens",
      "cache_write_tokens",
      "input_annotated_document_pages",
      "input_audio_tokens",
      "input_audio_tool_tokens",
      "input_document_pages",
      "input_image_tokens",
      "input_image_tool_tokens",
      "input_text_messages",
      "input_text_tokens",
      "input_text_tool_tokens",
      "input_tokens",
      "input_tool_tokens",
      "input_video_tokens",
      "input_video_tool_tokens",
      "output_audio_tokens",
      "output_citation_tokens",
      "output_image_tokens",
      "output_reasoning_tokens",
      "output_text_tokens",
      "output_tokens",
      "output_video_tokens",
      "web_searches",
    ]
  `);
});

/** The range of a unit, so that one that includes others is larger than they. */
function sizeOf(unit: string): [number, number] {
  if (/^(input|output)_tokens$/.test(unit)) return [1_000_000, 2_000_000];
  if (/^cache_(audio|image|video|text)|_tool_|_(5m|1h)_/.test(unit)) {
    return [0, 1_000];
  }
  return [10_000, 20_000];
}

type Path = UsageExtractor["mappings"][number]["path"];

/** Responses that hold every member that the extractor reads, or fewer of the optional ones. */
function responses(extractor: UsageExtractor): fc.Arbitrary<object> {
  const byPath = new Map<string, UsageExtractor["mappings"]>();
  for (const mapping of extractor.mappings) {
    const key = JSON.stringify(mapping.path);
    byPath.set(key, [...byPath.get(key) ?? [], mapping]);
  }
  const members = [...byPath.values()].map((mappings) => {
    const [min, max] = mappings.map((mapping) => sizeOf(mapping.dest))
      .reduce((one, other) => one[1] > other[1] ? one : other);
    const required = mappings.some((mapping) => mapping.required) ||
      min >= 1_000_000;
    const whole = required || mappings.some(({ dest }) =>
      // Another may be included in it.
      sizeOf(dest)[0] > 0
    );
    const value = fc.integer({ min, max });
    return fc.record({
      path: fc.constant(mappings[0].path),
      rank: fc.constant(required ? 0 : whole ? 1 : 2),
      value: whole ? value : fc.option(value, { nil: undefined }),
    });
  });
  return fc.tuple(fc.constantFrom(0, 1, 2), ...members).map(
    ([rank, ...chosen]) => {
      const response = {};
      place(response, extractor.root, {});
      for (const member of chosen) {
        if (member.rank > rank || member.value === undefined) continue;
        place(response, [extractor.root, member.path].flat(), member.value);
      }
      return response;
    },
  );
}

// deno-lint-ignore no-explicit-any
function place(target: any, path: Path, value: unknown): void {
  const steps = [path].flat();
  for (const [index, step] of steps.entries()) {
    const next = index === steps.length - 1
      ? value
      : typeof steps[index + 1] === "string"
      ? {}
      : [];
    if (typeof step === "string") target = target[step] ??= next;
    else {
      const modality = (step.match as { equals: string }).equals;
      let item = target.find((one: { modality: string }) =>
        one[step.field as "modality"] === modality
      );
      if (!item) target.push(item = { [step.field]: modality });
      target = item;
    }
  }
}

/** The part of a response that a caller sends as usage. */
function usageOf({ root }: UsageExtractor, response: object): unknown {
  const [first, second] = [root].flat() as string[];
  // deno-lint-ignore no-explicit-any
  const member = (response as any)[first];
  return ["response", "result"].includes(first) ? member[second] : member;
}

type Usage = ReturnType<typeof extractTheirs>["usage"];

function withoutText(usage: Usage): Usage {
  return Object.fromEntries(
    Object.entries(usage).filter(([unit]) => !unit.includes("_text_tokens"))
      .filter(([unit]) => !/_text_(read|tool)_/.test(unit)),
  );
}

/** The units of genai-prices again, as far as it has reported them. */
function putTogether(counts: UsageCounts, theirs: Usage): Usage {
  const { other_units: other = {}, ...named } = counts;
  const all = (...units: string[]) =>
    units.reduce((sum, unit) => sum + (other[unit] ?? 0), 0);
  const ofKinds = (name: (kind: string) => string) => all(...KINDS.map(name));
  const units: Usage = {
    ...other,
    ...Object.fromEntries(KINDS.map((kind) => [
      `input_${kind}_tokens`,
      all(
        `input_${kind}_tokens`,
        `cache_${kind}_read_tokens`,
        `input_${kind}_tool_tokens`,
      ),
    ])),
    input_tokens: named.input_tokens,
    output_tokens: named.output_tokens,
    cache_read_tokens: (named.cache_read_tokens ?? 0) +
      ofKinds((kind) => `cache_${kind}_read_tokens`),
    cache_write_tokens: (named.cache_write_5m_tokens ?? 0) +
      (named.cache_write_1h_tokens ?? 0),
    cache_write_1h_tokens: named.cache_write_1h_tokens ?? 0,
    // Writes without a lifetime count as these.
    cache_write_5m_tokens: theirs.cache_write_5m_tokens,
    output_reasoning_tokens: named.reasoning_tokens ?? 0,
    input_tool_tokens: all("input_tool_tokens") +
      ofKinds((kind) => `input_${kind}_tool_tokens`),
    input_document_pages: all(
      "input_document_pages",
      "input_annotated_document_pages",
    ),
  };
  for (const unit of Object.keys(theirs)) units[unit] ??= 0;
  return Object.fromEntries(
    Object.entries(units).filter(([unit, value]) =>
      (unit in theirs || value) && unit in withoutText({ [unit]: 1 })
    ),
  );
}

/** The plain-text tokens of the input and of the output. */
function remainders(counts: UsageCounts): [number, number] {
  const { other_units = {} } = counts;
  const sum = (pattern: RegExp) =>
    Object.entries(other_units).filter(([unit]) => pattern.test(unit))
      .reduce((total, [, value]) => total + value, 0);
  return [
    counts.input_tokens - (counts.cache_read_tokens ?? 0) -
    (counts.cache_write_5m_tokens ?? 0) -
    (counts.cache_write_1h_tokens ?? 0) - sum(/^(input|cache)_.*_tokens$/),
    counts.output_tokens - (counts.reasoning_tokens ?? 0) -
    sum(/^output_.*_tokens$/),
  ];
}
