import { describe, expect, test } from "vitest";
import { EVENTS, FIRM, newId, USER } from "../support/running-stack.ts";
import { showRow, useReceiver } from "../support/receiving-stack.ts";
import { createPayload } from "./litellm-payloads.ts";

/** A placeholder in a payload → the text that replaces it, which is not JSON. */
const HOLE = '"@hole"';

const DEEP = '{"a":'.repeat(70) + "1" + "}".repeat(70);

/** Faults that Python's json.dumps and broken senders write. */
const FAULTS: [string, string][] = [
  ["NaN", "NaN"],
  ["Infinity", "Infinity"],
  ["-Infinity", "-Infinity"],
  ["a value that is nested too deep", DEEP],
  ["a value that is nested far too deep", "[".repeat(1e5) + "]".repeat(1e5)],
  ["a lone surrogate", '"\\ud800"'],
  ["a duplicate key", '{"a":1,"a":2}'],
];

/** Faults after which nothing of an event can be read. */
const UNREADABLE: [string, string][] = [
  ["a word", "undefined"],
  ["single quotes", "'text'"],
  ["a control character", '"a\nb"'],
  ["a missing colon", '{"a" 1}'],
];

const CLOUDEVENTS = { "content-type": "application/cloudevents-batch+json" };

const fill = (value: unknown, hole: string) =>
  JSON.stringify(value).replace(HOLE, hole);

const call = (changes = {}) => createPayload({ id: newId(), ...changes });

const cloudEvent = (changes = {}) => ({
  specversion: "1.0",
  id: newId(),
  source: "/tests",
  type: "ledger.event",
  data: EVENTS.audit,
  ...changes,
});

const change = (changes = {}) => ({
  type: "INSERT",
  schema: "public",
  table: "notes",
  record: { id: newId(), firm_id: FIRM, note: "text" },
  old_record: null,
  ...changes,
});

describe("the neighbours of a faulty event", () => {
  const ledger = useReceiver("PGlite");

  /** Posts the text between two good events; the outcomes of all three. */
  async function outcomes(
    path: string,
    create: () => unknown,
    text: string,
    headers: Record<string, string> = {},
  ): Promise<string[]> {
    const [before, after] = [create(), create()].map((event) =>
      JSON.stringify(event)
    );
    const body = `[${before}, ${text}, ${after}]`;
    const answer = await ledger.post(path, body, { headers });
    expect(answer.body.results, JSON.stringify(answer.body)).toHaveLength(3);
    return answer.body.results.map(
      ({ outcome }: { outcome: string }) => outcome,
    );
  }

  const ALL = ["recorded", "recorded", "recorded"];
  const ONE_REJECTED = ["recorded", "rejected", "recorded"];

  test.each(FAULTS)("of LiteLLM are recorded with %s", async (_, hole) => {
    const content = fill(call({ response: { x: "@hole" } }), hole);
    expect(await outcomes("webhooks/litellm", call, content)).toEqual(ALL);
    const read = fill(call({ model: "@hole" }), hole);
    expect(await outcomes("webhooks/litellm", call, read)).toEqual(
      ONE_REJECTED,
    );
  });

  test.each(FAULTS)(
    "of LiteLLM's NDJSON are recorded with %s",
    async (_, hole) => {
      const content = fill(call({ response: { x: "@hole" } }), hole);
      const read = fill(call({ model: "@hole" }), hole);
      const lines = [read, content, JSON.stringify(call())].join("\n");
      const { body } = await ledger.post("webhooks/litellm", lines);
      expect(body).toMatchObject({ recorded: 2, rejected: 1 });
      expect(body.results[0].outcome).toBe("rejected");
    },
  );

  test.each(FAULTS)("of changed rows are recorded with %s", async (_, hole) => {
    const content = fill(change({ note: "@hole" }), hole);
    const isDeep = hole.length > 100;
    expect(await outcomes("webhooks/database", change, content))
      .toEqual(isDeep ? ONE_REJECTED : ALL);
    const read = fill(change({ type: "@hole" }), hole);
    expect(await outcomes("webhooks/database", change, read))
      .toEqual(ONE_REJECTED);
  });

  test.each(FAULTS)(
    "among CloudEvents are recorded with %s",
    async (_, hole) => {
      const path = "webhooks/cloudevents/audit";
      const extension = fill(cloudEvent({ extension: "@hole" }), hole);
      expect(await outcomes(path, cloudEvent, extension, CLOUDEVENTS))
        .toEqual(ALL);
      const data = { ...EVENTS.audit, metadata: { a: "@hole" } };
      expect(
        await outcomes(
          path,
          cloudEvent,
          fill(cloudEvent({ data }), hole),
          CLOUDEVENTS,
        ),
      )
        .toEqual(ONE_REJECTED);
    },
  );

  test.each(FAULTS)(
    "among native events are recorded with %s",
    async (_, hole) => {
      const create = () => ({ ...EVENTS.audit, id: newId() });
      const bad = fill({ ...create(), metadata: { a: "@hole" } }, hole);
      expect(await outcomes("audit", create, bad)).toEqual(ONE_REJECTED);
      const wrapped = `{"events": [${bad},${JSON.stringify(create())}]}`;
      const { body } = await ledger.post("audit", wrapped);
      expect(body).toMatchObject({ recorded: 1, rejected: 1 });
    },
  );

  test.each(UNREADABLE)("are recorded with %s", async (_, hole) => {
    const content = fill(call({ response: { x: "@hole" } }), hole);
    expect(await outcomes("webhooks/litellm", call, content))
      .toEqual(ONE_REJECTED);
    const row = fill(change({ note: "@hole" }), hole);
    expect(await outcomes("webhooks/database", change, row))
      .toEqual(ONE_REJECTED);
    const create = () => ({ ...EVENTS.audit, id: newId() });
    const native = fill({ ...create(), metadata: { a: "@hole" } }, hole);
    expect(await outcomes("audit", create, native)).toEqual(ONE_REJECTED);
  });

  test.each(["NaN", '{"a":'.repeat(70) + "1" + "}".repeat(70), "undefined"])(
    "do not exist for a single native event, which is refused as a whole",
    async (hole) => {
      const event = { ...EVENTS.audit, metadata: { a: "@hole" } };
      const { status, body } = await ledger.post("audit", fill(event, hole));
      expect([status, body.code]).toEqual([400, "invalid_body"]);
    },
  );

  test("of a body that ends early or has no clear elements are refused with it", async () => {
    const good = JSON.stringify(call());
    for (
      const body of [
        `[${good}, {"id": "cut`,
        `[${good}, ]`,
        `[${good}, {"a": [1}]`,
        `[${good}] ${good}`,
      ]
    ) {
      const { status, body: problem } = await ledger.post(
        "webhooks/litellm",
        body,
      );
      expect([status, problem.code], body.slice(-40)).toEqual([
        400,
        "invalid_body",
      ]);
    }
  });

  test.each([
    { response_cost: "@hole" },
    { prompt_tokens: "@hole" },
    { metadata: { usage_object: { server_tool_use: { a: "@hole" } } } },
  ])("of LiteLLM are recorded with NaN for %j", async (changes) => {
    expect(await outcomes("webhooks/litellm", call, fill(call(changes), "NaN")))
      .toEqual(ONE_REJECTED);
  });

  test("of LiteLLM are recorded where the first line is cut off", async () => {
    const lines = ['{"id": "cut of', JSON.stringify(call())].join("\n");
    const { body } = await ledger.post("webhooks/litellm", lines);
    expect(body).toMatchObject({ recorded: 1, rejected: 1 });
  });

  test("are recorded with bytes that are not UTF-8", async () => {
    const send = async (place: string) => {
      const bad = JSON.stringify(call({ [place]: "@hole" }));
      const text = `[${JSON.stringify(call())},${bad}]`;
      const bytes = new TextEncoder().encode(text.replace("@hole", "@"));
      bytes[text.indexOf("@hole")] = 0xff;
      const { body } = await ledger.post("webhooks/litellm", bytes);
      return [body.recorded, body.rejected];
    };
    expect(await send("end_user")).toEqual([2, 0]);
    expect(await send("model")).toEqual([1, 1]);
  });

  test("a single call of LiteLLM is recorded, with -Infinity in its answer", async () => {
    const one = call({ response: { logprob: "@hole" } });
    const { status } = await ledger.post(
      "webhooks/litellm",
      fill(one, "-Infinity"),
    );
    expect(status).toBe(201);
    await showRow(ledger, "llm-usage", one.id as string);
  });

  test("a Standard Webhook with NaN beside its data is recorded", async () => {
    const message = { type: "x", data: EVENTS.audit, more: "@hole" };
    const headers = { "webhook-id": `msg_${newId()}` };
    const path = "webhooks/standard/audit";
    const fine = await ledger.post(path, fill(message, "NaN"), { headers });
    expect(fine.status).toBe(201);
    const inside = { ...message, data: { ...EVENTS.audit, action: "@hole" } };
    const { status, body } = await ledger.post(path, fill(inside, "NaN"), {
      headers: { "webhook-id": `msg_${newId()}` },
    });
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([
      { pointer: "/data/action", code: "inexact_number" },
    ]);
  });

  test("a change of a row to NaN is a change, and repeats as a duplicate", async () => {
    const old = { id: newId(), firm_id: FIRM, rate: 1.5 };
    const update = change({
      type: "UPDATE",
      record: { ...old, rate: "@hole" },
      old_record: old,
      user_id: USER,
    });
    const send = (hole: string) =>
      ledger.post("webhooks/database", `[${fill(update, hole)}]`);
    const one = await send("NaN");
    expect(one.body).toMatchObject({ recorded: 1 });
    expect((await send("NaN")).body).toMatchObject({ duplicate: 1 });
    expect((await send("null")).body).toMatchObject({ recorded: 1 });
    expect((await send("Infinity")).body).toMatchObject({ recorded: 1 });
    const row = await showRow(ledger, "audit", one.body.results[0].id);
    expect(row).toMatchObject({ metadata: { changed_columns: ["rate"] } });
  });
});
