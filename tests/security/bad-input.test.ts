import { describe, expect, test } from "vitest";
import { connect } from "node:net";
import { MAX_BODY_BYTES } from "../../shared/limits.ts";
import {
  EVENTS,
  type ProblemBody,
  type Slug,
  SLUGS,
  TABLES,
  useStack,
} from "../support/running-stack.ts";

const LLM = EVENTS["llm-usage"];
/** Pointer and code of each issue of a problem. */
const faultsOf = ({ errors = [] }: ProblemBody) =>
  errors.map(({ pointer, code }) => `${pointer} ${code}`);
/** A marker that no answer may repeat. */
const MARK = "Zq7Wx";

describe("bad input", () => {
  const ledger = useStack("PGlite");

  /** Posts invalid input, and checks that nothing was stored. */
  async function refused(slug: Slug, body: unknown, options = {}) {
    const before = await ledger.count(TABLES[slug]);
    const answer = await ledger.post(slug, body, options);
    expect(await ledger.count(TABLES[slug])).toBe(before);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.body.detail.length).toBeGreaterThan(10);
    expect(JSON.stringify(answer.body)).not.toContain(MARK);
    return answer.body as ProblemBody;
  }

  test.each([
    ["an empty body", "", 400],
    ["white space", " \n", 400],
    ["text that is not JSON", `firm=${MARK}`, 400],
    ["a trailing comma", JSON.stringify(LLM).replace("}", ",}"), 400],
    ["truncated JSON", JSON.stringify(LLM).slice(0, -5), 400],
    ["a NaN literal", JSON.stringify(LLM).replace('"0.000152"', "NaN"), 400],
    ["nesting beyond the limit", "[".repeat(100_000), 400],
    ["a number", "42", 422],
    ["a string", `"${MARK}"`, 422],
    ["null", "null", 422],
    ["true", "true", 422],
    ["an empty array", "[]", 422],
    ["an empty envelope", '{"events":[]}', 422],
    ["an envelope without an array", `{"events":"${MARK}"}`, 422],
    ["an envelope with another member", '{"events":[{}],"atomic":true}', 422],
    ["too many events", JSON.stringify(Array(1001).fill(LLM)), 413],
    ["one byte over the limit", " ".repeat(MAX_BODY_BYTES + 1), 413],
  ])("refuses %s", async (_name, body, status) => {
    expect((await refused("llm-usage", body)).status).toBe(status);
  });

  test("names the exceeded limit", async () => {
    const many = await refused("llm-usage", Array(1001).fill(LLM));
    expect(many.detail).toContain("1000");
    const long = await refused("llm-usage", " ".repeat(MAX_BODY_BYTES + 1));
    expect(long.detail).toContain(String(MAX_BODY_BYTES));
  });

  test("accepts 1,000 events and a byte order mark", async () => {
    const body = "\ufeff" + JSON.stringify(Array(1000).fill(LLM));
    expect((await ledger.post("llm-usage", body)).body.recorded).toBe(1000);
  });

  test("refuses a gzip bomb", async () => {
    const bomb = new Blob([new Uint8Array(64 * 1024 * 1024)]).stream()
      .pipeThrough(new CompressionStream("gzip"));
    const body = new Uint8Array(await new Response(bomb).arrayBuffer());
    const problem = await refused("llm-usage", body, {
      headers: { "content-encoding": "gzip" },
    });
    expect(problem.status).toBe(413);
  });

  test.each([
    ["text/plain", 415],
    ["application/x-www-form-urlencoded", 415],
    ["multipart/form-data", 415],
  ])("refuses the media type %s", async (type, status) => {
    const problem = await refused("llm-usage", JSON.stringify(LLM), {
      headers: { "content-type": type },
    });
    expect(problem.status).toBe(status);
  });

  test("survives a wrong Content-Length, and serves the next request", async () => {
    const { hostname, port } = new URL(ledger.stack.url);
    const before = await ledger.count("llm_usage_log");
    const body = JSON.stringify(LLM);
    for (const length of [body.length + 50, 10]) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), hostname, () => {
          socket.end(
            `POST /functions/v1/llm-usage HTTP/1.1\r\nHost: ${hostname}\r\napikey: ${ledger.stack.secretKey}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`,
          );
        });
        socket.on("close", () => resolve()).on("error", () => resolve());
        socket.resume();
        setTimeout(() => socket.destroy(), 1000);
      });
    }
    expect(await ledger.count("llm_usage_log")).toBe(before);
    expect((await ledger.post("llm-usage", LLM)).status).toBe(201);
  });

  /** One wrong member of an otherwise valid event, and its issue. */
  const FAULTS: Record<Slug, [Record<string, unknown>, string][]> = {
    "llm-usage": [
      [{ input_tokens: -1 }, "/input_tokens out_of_range"],
      [{ input_tokens: 1.5 }, "/input_tokens invalid_type"],
      [{ output_tokens: 2 ** 31 }, "/output_tokens out_of_range"],
      [
        { output_tokens: -1, reasoning_tokens: 5 },
        "/output_tokens out_of_range",
      ],
      [
        { input_tokens: "5", cache_read_tokens: 50 },
        "/input_tokens invalid_type",
      ],
      [
        { cache_read_tokens: 1.5, cache_write_5m_tokens: 1300 },
        "/cache_read_tokens invalid_type",
      ],
      [
        { cache_read_tokens: 0, cache_write_1h_tokens: 1201 },
        "/cache_write_1h_tokens out_of_range",
      ],
      [{ reasoning_tokens: 81 }, "/reasoning_tokens out_of_range"],
      [{ reasoning_tokens: 2 ** 31 }, "/reasoning_tokens out_of_range"],
      [{ service_tier: "!" }, "/service_tier invalid_value"],
      [{ reservation_id: MARK }, "/reservation_id invalid_value"],
      [{ latency_ms: "12" }, "/latency_ms invalid_type"],
      [{ cost_usd: "0.0000001" }, "/cost_usd invalid_value"],
      [{ cost_usd: 0.1234567 }, "/cost_usd invalid_value"],
      [{ cost_usd: 1e-7 }, "/cost_usd invalid_value"],
      [{ cost_usd: "10000" }, "/cost_usd invalid_value"],
      [{ cost_usd: "NaN" }, "/cost_usd invalid_value"],
      [{ cost_usd: "Infinity" }, "/cost_usd invalid_value"],
      [{ cost_usd: "1e-3" }, "/cost_usd invalid_value"],
      [{ cost_usd: "1,5" }, "/cost_usd invalid_value"],
      [{ cost_usd: "" }, "/cost_usd invalid_value"],
      [{ cost_usd: -1 }, "/cost_usd invalid_value"],
      [{ cost_usd: true }, "/cost_usd invalid_value"],
      [{ id: MARK }, "/id invalid_value"],
      [{ firm_id: "1" }, "/firm_id invalid_value"],
      [{ colour: MARK }, "/colour unknown_field"],
      [{ created_at: "2126-01-01T00:00:00Z" }, "/created_at invalid_value"],
      [{ created_at: "2026-02-30T00:00:00Z" }, "/created_at invalid_value"],
      [{ created_at: "2026-01-01" }, "/created_at invalid_value"],
      [{ created_at: "2026-01-01T00:00:00" }, "/created_at invalid_value"],
      [{ created_at: "0000-01-01T00:00:00Z" }, "/created_at invalid_value"],
      [{ created_at: 1767225600 }, "/created_at invalid_type"],
      [{ task_type: MARK }, "/task_type invalid_value"],
      [{ model: "" }, "/model invalid_length"],
      [{ model: " \t" }, "/model invalid_value"],
      [{ model: "m".repeat(257) }, "/model invalid_length"],
      [{ model: null }, "/model required"],
      [{ error_message: MARK }, "/error_message invalid_value"],
      [{ success: true, error_message: MARK }, "/error_message invalid_value"],
      [{ success: "yes" }, "/success invalid_type"],
    ],
    "tool-usage": [
      [{ tokens_consumed: -(2 ** 31) }, "/tokens_consumed out_of_range"],
      [{ execution_ms: -1 }, "/execution_ms out_of_range"],
      [{ cost_usd: "-10000" }, "/cost_usd invalid_value"],
    ],
    "model-usage": [
      [{ phase: "lead" }, "/phase invalid_value"],
      [{ metadata: [1] }, "/metadata invalid_type"],
      [{ metadata: { a: "x".repeat(16_400) } }, "/metadata invalid_value"],
    ],
    "audit": [
      [{ metadata: { amount: 5 } }, "/metadata/amount sensitive_key"],
      [{ ip_address: "localhost" }, "/ip_address invalid_value"],
      [{ ip_address: "1.2.3.4/24" }, "/ip_address invalid_value"],
      [{ entity_id: "x" }, "/entity_id invalid_value"],
    ],
  };

  describe.each(SLUGS)("rejects %s", (slug) => {
    test.each(FAULTS[slug])("with %j: %s", async (change, fault) => {
      const problem = await refused(slug, { ...EVENTS[slug], ...change });
      expect(problem).toMatchObject({ status: 422, code: "invalid_event" });
      expect(faultsOf(problem)).toEqual([fault]);
    });
  });

  /** A member that JSON.parse would drop or change, as text. */
  const withMember = (member: string) =>
    JSON.stringify(LLM).replace("{", `{${member},`);
  test.each([
    ["a duplicate key", withMember('"model":"x"'), "/model duplicate_key"],
    ["a __proto__ key", withMember('"__proto__":{}'), " forbidden_key"],
    [
      "a NUL character",
      withMember('"error_message":"a\\u0000b"'),
      "/error_message invalid_text",
    ],
    [
      "a lone surrogate",
      withMember('"error_message":"\\ud800"'),
      "/error_message invalid_text",
    ],
    [
      "money beyond a double",
      JSON.stringify(LLM).replace('"0.000152"', "0.10000000000000000001"),
      "/cost_usd inexact_number",
    ],
    [
      "a token count beyond a double",
      withMember('"latency_ms":1e999'),
      "/latency_ms inexact_number",
    ],
  ])("rejects %s", async (_name, body, fault) => {
    const problem = await refused("llm-usage", body);
    expect(problem.status).toBe(422);
    expect(faultsOf(problem)).toEqual([fault]);
  });

  test("rejects only the events of a batch whose text is invalid", async () => {
    const good = JSON.stringify(LLM);
    const bad = withMember('"model":"x"');
    const array = await ledger.post(
      "llm-usage",
      `{"events":[${good},${bad},${good}]}`,
    );
    const lines = await ledger.post(
      "llm-usage",
      [good, "{", bad, good].join("\n"),
      { headers: { "content-type": "application/x-ndjson" } },
    );
    expect(array.body).toMatchObject({ recorded: 2, rejected: 1 });
    expect(array.body.results[1].problem.errors[0].pointer).toBe("/model");
    expect(lines.body).toMatchObject({ recorded: 2, rejected: 2 });
    expect(lines.body.results[1].problem.errors[0].code).toBe("invalid_json");
  });

  test("reports every issue of an event at once", async () => {
    const problem = await refused("llm-usage", {
      id: MARK,
      model: 3,
      task_type: MARK,
      input_tokens: -1,
      cost_usd: MARK,
      error_message: "x",
      extra: MARK,
    });
    expect(faultsOf(problem).sort()).toEqual([
      "/cost_usd invalid_value",
      "/error_message invalid_value",
      "/extra unknown_field",
      "/firm_id required",
      "/id invalid_value",
      "/input_tokens out_of_range",
      "/model invalid_type",
      "/output_tokens required",
      "/task_type invalid_value",
    ]);
  });

  test("does not repeat an implausible key", async () => {
    const event = { ...LLM, [MARK.repeat(40)]: 1 };
    expect(faultsOf(await refused("llm-usage", event)))
      .toEqual([" unknown_field"]);
  });

  test("reports keys named like members of Object.prototype as unknown fields", async () => {
    for (const key of ["constructor", "toString", "hasOwnProperty"]) {
      const problem = await refused("llm-usage", { ...LLM, [key]: 1 });
      expect(faultsOf(problem)).toEqual([`/${key} unknown_field`]);
    }
  });

  test("stores SQL, quotes, emoji and right-to-left text as they are", async () => {
    const model = `'; drop table llm_usage_log; -- "\\ 😀 \u202eabc`;
    const { status, body } = await ledger.post("llm-usage", { ...LLM, model });
    expect(status).toBe(201);
    expect((await ledger.row("llm-usage", body.id)).model).toBe(model);
  });
});
