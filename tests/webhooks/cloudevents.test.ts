import { CloudEvent, HTTP } from "cloudevents";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AdaptedDelivery,
  relocateIssues,
} from "../../shared/webhooks/adapter.ts";
import { adaptCloudEvents } from "../../shared/webhooks/cloudevents.ts";
import {
  codesOf,
  deliver,
  FIRM,
  validate,
} from "../support/webhook-deliveries.ts";

const EVENT = { firm_id: FIRM, action: "upload_file", entity_type: "file" };
const TIME = "2026-10-05T08:00:00.000Z";
const BATCH = "application/cloudevents-batch+json; charset=utf-8";
const STRUCTURED = "application/cloudevents+json";

/** A message as the CloudEvents SDK puts it on the wire. */
function adaptMessage(
  { headers, body }: { headers: unknown; body: unknown },
  query?: string,
): Promise<AdaptedDelivery> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const sent = Object.fromEntries(new Headers(headers as HeadersInit));
  return adaptCloudEvents(deliver(text, { headers: sent, query }), "audit");
}

function adapt(
  body: unknown,
  type: string,
  headers = {},
): Promise<AdaptedDelivery> {
  return adaptMessage({ headers: { "content-type": type, ...headers }, body });
}

const create = (changes: Record<string, unknown> = {}) =>
  new CloudEvent({
    source: "/service/a",
    id: "A-1",
    type: "file.uploaded",
    time: TIME,
    data: EVENT,
    ...changes,
  });

const envelope = (changes: Record<string, unknown> = {}) => ({
  ...JSON.parse(JSON.stringify(create())),
  ...changes,
});

describe("a CloudEvent", () => {
  test("of the SDK gives the same event in binary, structured and batched mode", async () => {
    const event = create();
    const binary = await adaptMessage(HTTP.binary(event));
    const structured = await adaptMessage(HTTP.structured(event));
    const batched = await adapt([event], BATCH);
    expect([binary, structured, batched].map(({ batch }) => batch))
      .toEqual([false, false, true]);
    for (const { events } of [binary, structured, batched]) {
      expect(events).toHaveLength(1);
      expect(events[0].issues).toEqual([]);
      expect(events[0].event).toEqual({
        ...EVENT,
        created_at: TIME,
        id: binary.events[0].event.id,
      });
      expect(validate(events[0], "audit")).toEqual([]);
    }
  });

  test("has an id derived from source and id", async () => {
    const text = fc.constantFrom("a", "aa", "aaa", 'a","a', "a,a", "a\na");
    await fc.assert(
      fc.asyncProperty(text, text, text, text, async (a, b, c, d) => {
        const [one, other] = await Promise.all(
          [[a, b], [c, d]].map(([source, id]) =>
            adapt(envelope({ source, id }), STRUCTURED)
          ),
        );
        const same = one.events[0].event.id === other.events[0].event.id;
        expect(same).toBe(a === c && b === d);
      }),
    );
  });

  test("is rejected with an id in its data", async () => {
    const data = { ...EVENT, id: "90000000-0000-4000-8000-000000000001" };
    const { events } = await adapt(envelope({ data }), STRUCTURED);
    expect(codesOf(events[0])).toEqual(["/data/id not_allowed"]);
    expect(events[0].event.id).not.toBe(data.id);
  });

  test("keeps the time of its data, and takes defaults from the URL", async () => {
    const created_at = "2026-10-04T08:00:00Z";
    const data = { ...EVENT, created_at, firm_id: undefined };
    const { events } = await adaptMessage(
      HTTP.structured(create({ data })),
      `firm_id=${FIRM}`,
    );
    expect(events[0].event).toMatchObject({ created_at, firm_id: FIRM });
  });

  test.each([
    [{ specversion: "0.3" }, "/specversion invalid_value"],
    [{ specversion: undefined }, "/specversion invalid_value"],
    [{ id: "" }, "/id required"],
    [{ source: 7 }, "/source required"],
    [{ type: undefined }, "/type required"],
    [{ data: undefined }, "/data invalid_type"],
    [{ data: [EVENT] }, "/data invalid_type"],
    [{ data: JSON.stringify(EVENT) }, "/data invalid_type"],
    [
      { datacontenttype: "text/xml" },
      "/datacontenttype unsupported_media_type",
    ],
    [{ datacontenttype: 7 }, "/datacontenttype unsupported_media_type"],
  ])("with %j is rejected, with a pointer", async (changes, expected) => {
    const { events } = await adapt(envelope(changes), STRUCTURED);
    expect(codesOf(events[0])).toEqual([expected]);
  });

  test("has issues of the log with pointers into the payload", async () => {
    const { events } = await adapt(
      envelope({ time: "today", data: { ...EVENT, action: 7 } }),
      STRUCTURED,
    );
    const issues = relocateIssues(events[0], validate(events[0], "audit"));
    expect(issues.map(({ pointer }) => pointer).sort())
      .toEqual(["/data/action", "/time"]);
  });
});

describe("data_base64", () => {
  const encode = (text: string) =>
    btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  const adaptData = async (data_base64: string) => {
    const { data: _, ...rest } = envelope();
    const { events } = await adapt({ ...rest, data_base64 }, STRUCTURED);
    return events[0];
  };

  test("decodes to JSON in UTF-8", async () => {
    const data = { ...EVENT, entity_type: "entité" };
    const { event, issues } = await adaptData(encode(JSON.stringify(data)));
    expect(issues).toEqual([]);
    expect(event).toMatchObject(data);
  });

  test.each([
    ["!!!", "/data_base64 invalid_value"],
    [btoa("\xff\xfe"), "/data_base64 invalid_value"],
    [encode("{"), "/data_base64 invalid_json"],
    [encode("[]"), "/data_base64 invalid_type"],
    [encode('{"firm_id":1,"firm_id":2}'), "/data_base64/firm_id duplicate_key"],
  ])("that is %s is rejected", async (text, expected) => {
    expect(codesOf(await adaptData(text))).toEqual([expected]);
  });
});

describe("binary mode", () => {
  const HEADERS = {
    "ce-specversion": "1.0",
    "ce-id": "A-1",
    "ce-source": "/service/a",
    "ce-type": "file.uploaded",
  };
  const adaptBinary = async (
    headers: Record<string, string>,
    type = "application/json",
    body: unknown = EVENT,
  ) => (await adapt(body, type, { ...HEADERS, ...headers })).events[0];

  test("accepts percent-encoded and quoted header values", async () => {
    const { events } = await adapt(
      envelope({ source: "/é €%", id: 'a "b"' }),
      STRUCTURED,
    );
    const encoded = await adaptBinary({
      "ce-source": "/%C3%A9%20%E2%82%AC%25",
      "ce-id": "a%20%22b%22",
    });
    const quoted = await adaptBinary({
      "ce-source": '"/%c3%a9 %e2%82%ac%25"',
      "ce-id": '"a \\"b\\""',
    });
    expect(encoded.event.id).toBe(events[0].event.id);
    expect(quoted.event.id).toBe(events[0].event.id);
  });

  test("keeps a header value that is not encoded UTF-8", async () => {
    const one = await adaptBinary({ "ce-id": "100%" });
    const other = await adaptBinary({ "ce-id": "%FF" });
    expect([...one.issues, ...other.issues]).toEqual([]);
    expect(one.event.id).not.toBe(other.event.id);
  });

  test("accepts any JSON media type", async () => {
    for (const type of ["application/vnd.x+json; charset=utf-8", "text/json"]) {
      expect((await adaptBinary({}, type)).issues).toEqual([]);
    }
  });

  test("rejects other data", async () => {
    const xml = await adaptBinary({}, "application/xml", "<event/>");
    expect(codesOf(xml)).toEqual([" unsupported_media_type"]);
    const broken = await adaptBinary({}, "application/json", "{");
    expect(codesOf(broken)).toEqual([" invalid_json"]);
    const empty = await adaptBinary({}, "application/json", "");
    expect(codesOf(empty)).toEqual([" invalid_json"]);
  });

  test("names the header of a missing attribute", async () => {
    const adapted = await adaptBinary({ "ce-source": "" });
    expect(codesOf(adapted)).toEqual(["/source required"]);
    expect(adapted.issues[0].detail).toContain("ce-source");
  });

  test("without its headers is rejected, with the list of modes", async () => {
    await expect(adapt(EVENT, "application/json")).rejects.toMatchObject({
      problem: {
        code: "invalid_body",
        detail: expect.stringContaining("application/cloudevents+json"),
      },
    });
  });
});

describe("a batch", () => {
  test("rejects one invalid event alone", async () => {
    const { events } = await adapt(
      [envelope(), 7, envelope({ id: "A-2" })],
      BATCH,
    );
    expect(events.map((event) => event.issues.length)).toEqual([0, 1, 0]);
    expect(events[0].event.id).not.toBe(events[2].event.id);
  });

  test("accepts an empty array", async () => {
    expect(await adapt(" [ ] ", BATCH)).toEqual({ batch: true, events: [] });
  });

  test.each([
    [envelope(), BATCH],
    [[envelope()], STRUCTURED],
    [{ events: [envelope()] }, BATCH],
  ])(
    "is rejected when the Content-Type differs: %#",
    async (body, type) => {
      await expect(adapt(body, type)).rejects.toMatchObject({
        problem: { code: "invalid_batch" },
      });
    },
  );
});
