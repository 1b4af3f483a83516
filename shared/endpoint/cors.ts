/**
 * Browsers may call from any origin: credentials travel in headers that a page
 * must set itself, never in cookies, so another origin gains nothing.
 */
export const CORS_HEADERS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers":
    "allow, etag, link, location, preference-applied, retry-after, www-authenticate, x-request-id, x-truncated",
};

/** The answer to a preflight request (Fetch standard, §3.3). */
export function answerPreflight(methods: string): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": methods,
      "access-control-allow-headers":
        "authorization, x-client-info, apikey, content-type, content-encoding, idempotency-key, prefer, x-region, x-request-id, x-retry-count, traceparent, tracestate, baggage",
      "access-control-max-age": "86400",
      allow: methods,
    },
  });
}
