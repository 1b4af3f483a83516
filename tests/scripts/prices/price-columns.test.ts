import { expect, test } from "vitest";
import { toPriceColumns } from "../../../scripts/prices/price-columns.ts";

type Prices = Parameters<typeof toPriceColumns>[0];

/** Prices of genai-prices and their columns. */
const COLUMNS: Record<string, [Prices, object]> = {
  "prices per million tokens": [{
    input_mtok: 3,
    cache_read_mtok: 0.3,
    cache_write_mtok: 3.75,
    cache_write_1h_mtok: 6,
    output_mtok: 15,
    output_reasoning_mtok: 18,
  }, {
    input_usd_per_mtok: "3",
    cache_read_usd_per_mtok: "0.3",
    cache_write_5m_usd_per_mtok: "3.75",
    cache_write_1h_usd_per_mtok: "6",
    output_usd_per_mtok: "15",
    reasoning_usd_per_mtok: "18",
  }],
  "prices per thousand, as prices per request or per million": [{
    requests_kcount: 12,
    web_searches_kcount: 10,
    storage_searches_kcount: 2.5,
    input_document_kpages: 4,
    input_annotated_document_kpages: 5,
    input_text_messages_kcount: 4,
    input_audio_mtok: 0.7,
    cache_audio_read_mtok: 0.07,
    output_citation_mtok: 2,
  }, {
    request_usd: "0.012",
    other_usd_per_million: {
      web_searches: "10000",
      storage_searches: "2500",
      input_document_pages: "4000",
      input_annotated_document_pages: "5000",
      input_text_messages: "4000",
      input_audio_tokens: "0.7",
      cache_audio_read_tokens: "0.07",
      output_citation_tokens: "2",
    },
  }],
  "tiers, each with every price that applies from its start on": [{
    input_mtok: {
      base: 1,
      tiers: [{ start: 256_000, price: 4 }, { start: 128_000, price: 2 }],
    },
    cache_read_mtok: { base: 0.1, tiers: [{ start: 128_000, price: 0.2 }] },
    output_mtok: 8,
  }, {
    input_usd_per_mtok: "1",
    cache_read_usd_per_mtok: "0.1",
    output_usd_per_mtok: "8",
    context_tiers: [
      {
        above_input_tokens: 128_000,
        input_usd_per_mtok: "2",
        cache_read_usd_per_mtok: "0.2",
      },
      {
        above_input_tokens: 256_000,
        input_usd_per_mtok: "4",
        cache_read_usd_per_mtok: "0.2",
      },
    ],
  }],
  "a missing price": [{}, {}],
  "hourly prices, which have no column": [
    { audio_hours: 0.36, input_audio_hours: 0.36 },
    {},
  ],
  "a price of 0": [{ input_mtok: 0 }, { input_usd_per_mtok: "0" }],
};

test.each(Object.entries(COLUMNS))("converts %s", (_, [prices, columns]) => {
  expect(toPriceColumns(prices)).toEqual(columns);
});

test.each([
  ["a unit that is new", { input_gpixels: 1 }, "input_gpixels"],
  ["tiers of another unit", {
    input_audio_mtok: { base: 1, tiers: [{ start: 1, price: 2 }] },
  }, "input_audio_mtok"],
])("%s is refused with its name", (_, price, name) => {
  expect(() => toPriceColumns(price)).toThrow(name);
});
