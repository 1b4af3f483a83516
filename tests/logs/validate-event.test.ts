import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { auditLog } from "../../shared/logs/audit-log.ts";
import {
  compileEvent,
  validateEvent,
} from "../../shared/logs/validate-event.ts";
import { llmUsageLog } from "../../shared/logs/llm-usage-log.ts";
import type { EventSchema, Log } from "../../shared/logs/log.ts";
import { modelUsageLog } from "../../shared/logs/model-usage-log.ts";
import { toolUsageLedger } from "../../shared/logs/tool-usage-ledger.ts";

/** Replacements of a member's value; some are valid for some members. */
const replacements = fc.oneof(
  fc.constantFrom<unknown>(
    ...[undefined, null, true, false, 0, -0, 1, -1, 0.5, 1e-7, 12_345.678],
    ...[2147483647, 2147483648, Number.MAX_SAFE_INTEGER, NaN, [], {}],
    ...["", " ", "1", "0.0025", "-0.5", "1e3", "00.1", "10000", "é", "😀"],
    ...["EXEC", "extraction", " Anthropic ", "on_demand", "Flex", "batch"],
    ...["192.0.2.1", "2001:db8::1", "::ffff:1.2.3.4", "1.2.3", "fe80::1%1"],
    "70000000-0000-4000-8000-00000000000A",
    "70000000-0000-4000-8000-00000000000",
    "2026-01-31T12:00:00Z",
    "2026-01-31T12:00:00.1234567-05:30",
    "2026-02-29T12:00:00Z",
    "1969-12-31T23:59:59.9Z",
    "2099-01-01T00:00:00Z",
    "x".repeat(300),
    "password=hunter2hunter2",
    { file_count: 3, source: "upload" },
    { total_amount: 5, note: ["4111 1111 1111 1111"] },
    { input_tokens: 5, cache: { read: 1 } },
    JSON.parse('{"__proto__":1,"2":1,"1":2}'),
  ),
  fc.string(),
  fc.double(),
  fc.json().map((text) => JSON.parse(text)),
);

/** The log's example without the members that these senders may not set. */
function exampleFor(schema: EventSchema, { example }: Log) {
  const refused = validateEvent(schema, example).issues
    .map(({ pointer }) => pointer.slice(1));
  return Object.fromEntries(
    Object.entries(example).filter(([column]) => !refused.includes(column)),
  );
}

function eventsOf(schema: EventSchema, log: Log) {
  const { columns } = log;
  const example = exampleFor(schema, log);
  const members = fc.dictionary(
    fc.constantFrom(...columns, "unknown", "__proto__", "constructor"),
    replacements,
    { maxKeys: 3, noNullPrototype: true },
  );
  const dropped = fc.subarray(Object.keys(example), { maxLength: 3 });
  return fc.tuple(members, dropped, fc.boolean()).map(
    ([changed, left, isFirst]) => {
      const kept = Object.fromEntries(
        Object.entries(example).filter(([column]) => !left.includes(column)),
      );
      return isFirst ? { ...changed, ...kept } : { ...kept, ...changed };
    },
  );
}

const SCHEMAS: [name: string, log: Log, schema: EventSchema][] = [
  auditLog,
  llmUsageLog,
  toolUsageLedger,
  modelUsageLog,
].flatMap((log) => [
  [`${log.table} of a service`, log, log.event] as const,
  ...log.userWrites
    ? [[`${log.table} of a user`, log, log.userWrites.event] as const]
    : [],
]).map(([name, log, schema]) => [name, log, schema]);

describe("compileEvent()", () => {
  test.each(SCHEMAS)(
    "accepts and refuses the same events of %s as the schema, with the same result",
    (_, log, schema) => {
      const compiled = compileEvent(schema);
      const outcomes = new Set<boolean>();
      fc.assert(
        fc.property(eventsOf(schema, log), (event) => {
          const wanted = validateEvent(schema, event);
          const found = validateEvent(compiled.schema, event, compiled.quick);
          expect(found).toEqual(wanted);
          // The order of the members, too.
          expect(JSON.stringify(found)).toBe(JSON.stringify(wanted));
          outcomes.add(wanted.event === null);
        }),
        { numRuns: 2_000 },
      );
      expect(outcomes.size).toBe(2);
    },
  );

  test("compiles each schema once", () => {
    expect(compileEvent(auditLog.event)).toBe(compileEvent(auditLog.event));
    for (const [, , schema] of SCHEMAS) {
      expect(compileEvent(schema).quick).not.toBe(schema);
    }
  });
});
