/**
 * What one model call consumed. The totals come first; all other counts are
 * disjoint parts of them, so that every token is priced exactly once: what no
 * part holds is plain text. Counts are whole numbers; an optional one is left
 * out when it is 0.
 */
export interface UsageCounts {
  /** All input, whether cached or not. */
  input_tokens: number;
  /** All output, reasoning included. */
  output_tokens: number;
  /** Read from the cache, without the audio, image and video in `other_units`. */
  cache_read_tokens?: number;
  /** Written to the cache for five minutes, or for a time that is not said. */
  cache_write_5m_tokens?: number;
  /** Written to the cache for one hour. */
  cache_write_1h_tokens?: number;
  /** Output that was only thought. */
  reasoning_tokens?: number;
  /**
   * Everything else that a provider may charge for, by genai-prices' names. Those
   * that start with `input_` or `cache_` and end in `_tokens` are parts of
   * `input_tokens`, those with `output_` of `output_tokens`; the others
   * (`web_searches`, `input_document_pages`, …) stand by themselves.
   */
  other_units?: Record<string, number>;
  /** As in `canonicalServiceTier`, when the usage object names one. */
  service_tier?: string;
}
