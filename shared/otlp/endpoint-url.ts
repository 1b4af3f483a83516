/** The last segments of OTLP's default paths (OTLP/HTTP, Request). */
const SIGNALS = ["traces", "logs", "metrics"];

/** A path that a sender appended behind the query of its base URL. */
const APPENDED = /(?:\/[\w.-]+)*\/v1\/(traces|logs|metrics)\/?$/;

/**
 * The URL that the sender of a request means. Senders append OTLP's default path to a base
 * URL, some below a path of their own (Langfuse: `/api/public/otel/v1/traces`), some
 * behind its query. Null for a URL without such a path in excess.
 */
export function correctUrl(sent: string): URL | null {
  const url = new URL(sent);
  const [name = "", ...segments] = url.pathname.split("/").filter(Boolean);
  const [, appended] = APPENDED.exec(url.search) ?? [];
  const signal = appended ?? findSignal(segments);
  if (signal === undefined) return null;
  const isCanonical = appended === undefined && segments.length === 2;
  if (isCanonical) return null;
  url.pathname = `/${name}/v1/${signal}`;
  url.search = url.search.replace(APPENDED, "");
  return url;
}

function findSignal(segments: readonly string[]): string | undefined {
  const signal = segments.at(-1) ?? "";
  return segments.at(-2) === "v1" && SIGNALS.includes(signal)
    ? signal
    : undefined;
}
