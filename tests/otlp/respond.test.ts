import { BinaryReader } from "@bufbuild/protobuf/wire";
import {
  JsonTraceSerializer,
  ProtobufTraceSerializer,
} from "@opentelemetry/otlp-transformer";
import { describe, expect, test } from "vitest";
import { readOtlpEncoding } from "../../shared/otlp/receive-traces.ts";
import {
  explainIssues,
  explainRejections,
  respondExport,
  respondFailure,
} from "../../shared/otlp/respond.ts";
import { readUrlSettings } from "../../shared/otlp/attributes.ts";
import {
  MAX_EXPORT_ERROR_MESSAGE,
  RETRY_AFTER_SECONDS,
} from "../../shared/limits.ts";
import { URL_SETTINGS } from "../support/otlp-exports.ts";

const REJECTED = [
  { spanId: "00000000000000aa", reason: "ledger.firm_id is not set" },
  { spanId: "00000000000000ab", reason: "ledger.firm_id is not set" },
  { spanId: null, reason: "spanId is not an id" },
];
const MESSAGE =
  "3 spans were not recorded. 2× (00000000000000aa, 00000000000000ab): ledger.firm_id is not set. 1×: spanId is not an id.";

async function bytesOf(response: Response) {
  return new Uint8Array(await response.arrayBuffer());
}

describe("respondExport()", () => {
  test("answers {} without rejections", async () => {
    const response = respondExport("json", []);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.text()).toBe("{}");
  });

  test("answers no bytes in protobuf without rejections", async () => {
    const response = respondExport("protobuf", []);
    expect(response.headers.get("content-type")).toBe("application/x-protobuf");
    expect(await bytesOf(response)).toHaveLength(0);
  });

  test("counts rejected spans in a string, with the reasons", async () => {
    const response = respondExport("json", REJECTED);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      partialSuccess: { rejectedSpans: "3", errorMessage: MESSAGE },
    });
  });

  test.each(
    [
      ["json", JsonTraceSerializer],
      ["protobuf", ProtobufTraceSerializer],
    ] as const,
  )(
    "gives an answer that the SDK reads in %s",
    async (encoding, serializer) => {
      const response = respondExport(encoding, REJECTED);
      const { partialSuccess } = serializer.deserializeResponse(
        await bytesOf(response),
      );
      expect(Number(partialSuccess?.rejectedSpans)).toBe(3);
      expect(partialSuccess?.errorMessage).toBe(MESSAGE);
    },
  );
});

describe("respondFailure()", () => {
  test("answers a google.rpc.Status in JSON", async () => {
    const response = respondFailure("json", 400, "The body is not JSON");
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual({
      code: 3,
      message: "The body is not JSON",
    });
    expect(response.headers.has("retry-after")).toBe(false);
  });

  test("answers a google.rpc.Status in protobuf", async () => {
    const response = respondFailure("protobuf", 413, "größer");
    expect(response.status).toBe(413);
    expect(response.headers.get("content-type")).toBe("application/x-protobuf");
    const reader = new BinaryReader(await bytesOf(response));
    expect([reader.tag(), reader.int32(), reader.tag(), reader.string()])
      .toEqual([[1, 0], 8, [2, 2], "größer"]);
    expect(reader.pos).toBe(reader.len);
  });

  test("answers JSON when the encoding of the request is unknown", () => {
    const response = respondFailure(null, 415, "no", {
      accept: "application/json",
    });
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("accept")).toBe("application/json");
  });

  test.each([429, 502, 503, 504])(
    "sets Retry-After for %d",
    (status) => {
      const { headers } = respondFailure("json", status, "later");
      expect(headers.get("retry-after")).toBe(String(RETRY_AFTER_SECONDS));
      const longer = respondFailure("json", status, "later", {
        "retry-after": "30",
      });
      expect(longer.headers.get("retry-after")).toBe("30");
    },
  );

  test.each([500, 501, 507])(
    "answers 503 instead of %d, so that senders retry",
    async (status) => {
      const response = respondFailure("json", status, "broken");
      expect(response.status).toBe(503);
      expect(response.headers.has("retry-after")).toBe(true);
      expect(await response.json()).toEqual({ code: 14, message: "broken" });
    },
  );

  test.each([[401, 16], [403, 7], [404, 5], [405, 12], [415, 3], [418, 9]])(
    "answers %d with the code %d",
    async (status, code) => {
      const response = respondFailure("json", status, "no");
      expect(response.status).toBe(status);
      expect(await response.json()).toEqual({ code, message: "no" });
    },
  );
});

describe("explainRejections()", () => {
  test("names some of the spans that share a reason", () => {
    const rejected = Array.from({ length: 5 }, (_, index) => ({
      spanId: `${index}`.padStart(16, "a"),
      reason: "No",
    }));
    expect(explainRejections(rejected)).toBe(
      "5 spans were not recorded. 5× (aaaaaaaaaaaaaaa0, aaaaaaaaaaaaaaa1, aaaaaaaaaaaaaaa2, …): No.",
    );
    expect(explainRejections(rejected.slice(0, 1)))
      .toBe("1 span was not recorded. 1× (aaaaaaaaaaaaaaa0): No.");
  });

  test("counts the reasons that do not fit", () => {
    const rejected = Array.from({ length: 1_000 }, (_, index) => ({
      spanId: null,
      reason: `Reason ${index} ${"x".repeat(50)}`,
    }));
    const text = explainRejections(rejected);
    expect(text.length).toBeLessThanOrEqual(MAX_EXPORT_ERROR_MESSAGE);
    const listed = text.match(/1×:/g)!.length;
    expect(text).toMatch(
      new RegExp(`There are ${1_000 - listed} more reasons\\.$`),
    );
    expect(listed).toBeGreaterThan(10);
  });
});

describe("explainIssues()", () => {
  test("names attributes instead of columns", () => {
    const fault = (pointer: string) => ({ pointer, code: "x", detail: "Bad" });
    expect(
      explainIssues([fault("/firm_id"), fault("/model"), fault("/created_at")]),
    ).toBe(
      "ledger.firm_id: Bad; gen_ai.response.model: Bad; endTimeUnixNano: Bad",
    );
    expect(explainIssues([fault(""), fault("/constructor")])).toBe(
      "Bad; constructor: Bad",
    );
  });
});

describe("readOtlpEncoding()", () => {
  test.each([
    ["application/json", "json"],
    ["application/json; charset=utf-8", "json"],
    ["Application/JSON", "json"],
    ["application/x-protobuf", "protobuf"],
    ["application/protobuf", "protobuf"],
    ["application/json; charset=latin1", null],
    ["text/plain", null],
    ["nonsense;;;", null],
    ["", null],
    [null, null],
  ])("reads %j as %j", (type, encoding) => {
    expect(readOtlpEncoding(type)).toBe(encoding);
  });
});

describe("readUrlSettings()", () => {
  const read = (query: string) => readUrlSettings(new URLSearchParams(query));

  test("reads the settings of the URL", () => {
    const { firm_id } = URL_SETTINGS;
    expect(read(`firm_id=${firm_id}&task_type=extraction`)).toEqual({
      firm_id,
      task_type: "extraction",
    });
    expect(read("forceFunctionRegion=eu-west-1")).toEqual({});
  });

  test.each(["firm=f", "ledger.firm_id=f", "constructor=f"])(
    "refuses the unknown parameter of ?%s",
    (query) => {
      expect(() => read(query)).toThrow(
        "this path takes firm_id, cma_project_id",
      );
    },
  );

  test.each([
    ["firm_id=nobody", "firm_id is malformed"],
    ["agent_id=", "agent_id is malformed"],
    ["task_type=talk", "task_type is malformed"],
    ["token_convention=both", "token_convention is malformed"],
    [
      `firm_id=${URL_SETTINGS.firm_id}&firm_id=${URL_SETTINGS.firm_id}`,
      "firm_id is given more than once",
    ],
  ])("refuses ?%s without repeating it", (query, message) => {
    expect(() => read(query)).toThrow(message);
    expect(() => read(query)).not.toThrow(/nobody|talk|both/);
  });
});
