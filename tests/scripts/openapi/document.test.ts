import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, test } from "vitest";
import { COMPLETE_DOCUMENT, makeDocuments } from "../../../scripts/openapi.ts";
import { LOGS } from "../../../shared/logs/index.ts";
import * as limits from "../../../shared/limits.ts";
import { PROBLEMS } from "../../../shared/http/problem.ts";
import {
  API_VERSION,
  createDocument,
} from "../../../scripts/openapi/create-document.ts";
import { SLUGS } from "../../support/running-stack.ts";
import { DocumentSchemas } from "../../support/document-schemas.ts";
import { examplesIn, operationsIn } from "./documented-examples.ts";

const PROJECT = new URL("../../../", import.meta.url);
const document = await createDocument(LOGS);
const schemas = new DocumentSchemas(document);
/** The text of the document, without the list of limits. */
const { "x-limits": documented, ...info } = document.info;
const text = JSON.stringify({ ...document, info });

/** The text of the document where a limit applies, and the unit of its number. */
const PLACES: [keyof typeof limits, string, number?][] = [
  ["MAX_EVENTS", '"maxItems":§'],
  ["MAX_BODY_BYTES", "§ bytes after decompression"],
  ["MAX_REQUESTS_IN_PROGRESS", "more than § requests"],
  ["MAX_EVENTS_IN_PROGRESS", "§ events, "],
  ["MAX_BYTES_IN_PROGRESS", "§ bytes of bodies"],
  ["MAX_ROWS_IN_PROGRESS", "§ rows of pages"],
  ["MAX_EXPORTS_IN_PROGRESS", "§ exports are in progress"],
  ["MAX_EXPORTS_PER_CALLER", "§ of them of one caller"],
  ["BODY_TIMEOUT_MS", "The timeout of a body is § seconds", 1_000],
  ["MAX_JSON_DEPTH", "nested at most § deep"],
  ["MAX_INTEGER", '"maximum":§'],
  ["MAX_FAULTS", '"maxItems":§'],
  ["MAX_IDEMPOTENCY_KEY", '"maxLength":§'],
  ["MAX_ERROR_MESSAGE", '"maxLength":§'],
  ["MAX_MODEL_METADATA_BYTES", "At most § bytes of JSON"],
  ["MAX_AUDIT_METADATA_BYTES", "at most § bytes of JSON"],
  ["MAX_AUDIT_METADATA_DEPTH", "§ levels and"],
  ["MAX_AUDIT_METADATA_KEYS", "and § keys"],
  ["MAX_AUDIT_METADATA_STRING_LENGTH", "strings of at most § characters"],
  ["MAX_CLOCK_SKEW_MS", "at most § minutes in the future", 60_000],
  ["RECORD_TIMEOUT_MS", "§ seconds for a batch", 1_000],
  ["READ_TIMEOUT_MS", "§ seconds for a page", 1_000],
  ["RETRY_AFTER_SECONDS", '"type":"integer","examples":[§]'],
  ["DEFAULT_PAGE_ROWS", "JSON: default §"],
  ["MAX_PAGE_ROWS", ", at most §. Exports"],
  ["MAX_FILTER_VALUES", '"maxItems":§'],
  ["MAX_SUMMARY_DAYS", "At most § days"],
  ["MAX_GROUP_BY", '"maxItems":§,"uniqueItems":true'],
  ["MAX_GROUPS", "largest § groups"],
  ["MAX_RATED_ROWS", "At most § rows per request"],
  ["DEFAULT_RESERVATION_SECONDS", '"default":§'],
  ["MAX_RESERVATION_SECONDS", '"maximum":§'],
  ["PRODUCER_KEY_CACHE_MS", "up again after § seconds", 1_000],
];

/** The limits of functions without a document, which receive for several logs. */
const OTHER_LIMITS = [
  "MAX_CACHED_PRODUCER_KEYS",
  "MAX_EXPORT_BYTES",
  "MAX_SPANS",
  "MAX_SPAN_ERROR_TEXT",
  "MAX_EXPORT_ERROR_MESSAGE",
  "AUTH_HOOK_TIMEOUT_MS",
  "MAX_UNVERIFIED_BYTES_IN_PROGRESS",
  "MAX_UNVERIFIED_BODIES_IN_PROGRESS",
  "MAX_ADD_CHECKPOINT_BYTES",
  "MAX_AUTH_HOOK_BYTES",
  "UNVERIFIED_BODY_TIMEOUT_MS",
  "MAX_SIGNATURE_HEADER",
  "MAX_WEBHOOK_ID",
  "WEBHOOK_TOLERANCE_SECONDS",
  "MAX_WEBHOOK_SECRETS",
  "MIN_WEBHOOK_SECRET_BYTES",
  "MAX_WEBHOOK_SECRET_BYTES",
  "MAX_USAGE_BYTES",
  "MAX_USAGE_DEPTH",
  "MAX_USAGE_TEXT",
  "MAX_OTHER_UNITS",
  "MAX_AUDIT_METADATA_KEY_LENGTH",
  "MAX_AUDIT_METADATA_ISSUES",
];

test("every log has a declaration", () => {
  expect(LOGS.map(({ slug }) => slug).sort()).toEqual([...SLUGS].sort());
});

describe.each([
  { name: "all logs", some: LOGS },
  ...LOGS.map((log) => ({ name: log.slug, some: [log] })),
])("the document of $name", ({ some }) => {
  test("is valid OpenAPI 3.1, and its references resolve", async () => {
    const one = await createDocument(some);
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(one));
    expect(errors).toBeUndefined();
    expect([valid, validator.version]).toEqual([true, "3.1"]);
    const missing = [...JSON.stringify(one).matchAll(/"#(\/[^"]+)"/g)]
      .filter(([, pointer]) => resolve(one, pointer) === undefined);
    expect(missing).toEqual([]);
  });
});

test("an invalid document is not valid OpenAPI", async () => {
  const { valid } = await new Validator().validate({
    ...structuredClone(document),
    paths: { "/x": { get: { responses: { 200: {} } } } },
  });
  expect(valid).toBe(false);
});

describe("the generated documents", () => {
  const check = async (cwd: string | URL) => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "scripts/openapi.ts", "--check"],
      cwd,
    }).output();
    return { code, stderr: new TextDecoder().decode(stderr) };
  };

  test("match the declarations of the logs", async () => {
    const documents = await makeDocuments();
    expect(Object.keys(documents)).toHaveLength(1 + LOGS.length);
    for (const [path, text] of Object.entries(documents)) {
      const file = await Deno.readTextFile(new URL(path, PROJECT));
      // Not toBe(text), which would print a whole document.
      expect(file === text, path).toBe(true);
    }
    expect(await check(PROJECT)).toEqual({ code: 0, stderr: "" });
  });

  test("are reported as stale in one sentence", async () => {
    const copy = await Deno.makeTempDir();
    for (const name of ["deno.json", "package.json", "node_modules"]) {
      await Deno.symlink(new URL(name, PROJECT).pathname, `${copy}/${name}`);
    }
    const { success } = await new Deno.Command("cp", {
      args: ["-r", "docs", "shared", "scripts", "local", "supabase", copy],
      cwd: PROJECT,
    }).output();
    expect(success).toBe(true);
    await Deno.writeTextFile(`${copy}/${COMPLETE_DOCUMENT}`, "{}");
    const { code, stderr } = await check(copy);
    await Deno.remove(copy, { recursive: true });
    expect(code).toBe(1);
    expect(stderr).toBe(
      "docs/openapi.json does not match the declarations of the logs: run npm run openapi\n",
    );
  });

  test("have the version of the project", async () => {
    const { version } = JSON.parse(
      await Deno.readTextFile(new URL("package.json", PROJECT)),
    );
    expect(API_VERSION).toBe(version);
  });
});

describe("completeness", () => {
  const responses = [
    ...Object.values(document.components.responses),
    ...[...operationsIn(document)].flatMap(({ operation }) =>
      Object.values(operation.responses)
    ),
  ].map((response) => JSON.stringify(response));

  // The evidence is served in the formats of C2SP, which have no document here.
  const documentedCodes = Object.keys(PROBLEMS)
    .filter((code) => code !== "inconsistent");

  test.each(documentedCodes)("some response has the code %s", (code) => {
    // This code is in the results of a batch alone.
    const wanted = code === "batch_aborted"
      ? `problem:${code}"`
      : new RegExp(`"enum":\\[[^\\]]*"${code}"`);
    expect(responses.some((response) => response.match(wanted))).toBe(true);
  });

  test("every limit has its value under its name", () => {
    expect(documented).toEqual({ ...limits });
  });

  test.each(PLACES)(
    "%s is stated where it applies",
    (name, place, unit = 1) => {
      // Not toContain, which would print the whole document.
      expect(text.includes(place.replace("§", String(limits[name] / unit))))
        .toBe(true);
    },
  );

  test("every limit is in the list above, or is one of functions without a document", () => {
    expect([...PLACES.map(([name]) => name), ...OTHER_LIMITS].sort())
      .toEqual(Object.keys(limits).sort());
  });

  test("every operation but describe has an example that succeeds, or is refused where success has new ids and times", () => {
    const examples = examplesIn(document);
    const unstable = ["budget", "reserve", "prices"]
      .map((route) => `/llm-usage/${route}`);
    for (const { path, method, operation } of operationsIn(document)) {
      if (path.endsWith("openapi.json")) continue;
      const refused = method === "post" && unstable.includes(path);
      const own = examples.filter((example) =>
        example.path === path && example.method === method &&
        (example.status < 300) !== refused
      );
      expect([operation.operationId, own.length > 0]).toEqual([
        operation.operationId,
        true,
      ]);
    }
  });
});

describe("the examples agree with the schemas", () => {
  test.each(examplesIn(document).map((example) => [example.title, example]))(
    "%s",
    (_title, example) => {
      const place = ["paths", example.path, example.method];
      const { request, reply, status } = example;
      if (request) {
        expect(schemas.faults(
          request.body,
          ...place,
          ...["requestBody", "content", request.type, "schema"],
        )).toEqual([]);
      }
      expect(schemas.faults(
        reply.body,
        ...place,
        ...["responses", String(status), "content", reply.type, "schema"],
      )).toEqual([]);
      const { parameters } = document.paths[example.path][example.method];
      for (const { name, value } of example.parameters) {
        const index = parameters.findIndex((one) => one.name === name);
        expect(schemas.faults(
          value,
          ...[...place, "parameters", String(index), "schema"],
        )).toEqual([]);
      }
    },
  );

  test("and invalid values do not", () => {
    const faults = (value: unknown, name: string) =>
      schemas.faults(value, "components", "schemas", name);
    const event = LOGS.find(({ slug }) => slug === "llm-usage")!.example;
    expect(faults(event, "LlmUsageEvent")).toEqual([]);
    for (
      const change of [
        { cost_usd: "1e9" },
        { cost_usd: "-1" },
        { id: "x" },
        { input_tokens: -1 },
        { model: "" },
        { task_type: "other" },
        { created_at: "yesterday" },
        { colour: "red" },
        { firm_id: null },
      ]
    ) {
      expect([change, faults({ ...event, ...change }, "LlmUsageEvent")])
        .not.toEqual([change, []]);
    }
    expect(faults({ rows: [], has_more: false }, "LlmUsagePage"))
      .not.toEqual([]);
  });
});

function resolve(value: unknown, pointer: string): unknown {
  return pointer.split("/").slice(1).reduce(
    (part, step) => (part as Record<string, unknown> | undefined)?.[step],
    value,
  );
}
