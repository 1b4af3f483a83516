import { diag, DiagLogLevel } from "@opentelemetry/api";
import { afterEach, beforeEach } from "vitest";

/** Collects the OpenTelemetry SDK's warnings and errors of each test. */
export function collectOtelWarnings(): string[] {
  const warnings: string[] = [];
  const warn = (...args: unknown[]) =>
    void warnings.push(args.map(String).join(" "));
  const ignore = () => {};
  beforeEach(() => {
    warnings.length = 0;
    diag.setLogger(
      { error: warn, warn, info: ignore, debug: ignore, verbose: ignore },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
  });
  afterEach(() => diag.disable());
  return warnings;
}
