import { describe, expect, test } from "vitest";
import { adaptAuth } from "../../shared/webhooks/auth.ts";
import { adaptCloudEvents } from "../../shared/webhooks/cloudevents.ts";
import { adaptDatabaseWebhook } from "../../shared/webhooks/database-webhook.ts";
import { adaptLitellm } from "../../shared/webhooks/litellm.ts";
import { adaptPortkey } from "../../shared/webhooks/portkey.ts";
import { LOG_SLUGS, type LogSlug } from "../../shared/logs/index.ts";
import { adaptStandardWebhook } from "../../shared/webhooks/standard-webhook.ts";
import { DEMO, SAMPLES } from "../../scripts/send/samples.ts";
import { deliver, validate } from "../support/webhook-deliveries.ts";
import { read } from "../support/otlp-exports.ts";

const create = (format: string, log: LogSlug = "audit") =>
  SAMPLES[format].create({
    log,
    now: new Date(),
    createId: () => crypto.randomUUID(),
  });

const ADAPTERS = {
  litellm: adaptLitellm,
  portkey: adaptPortkey,
  database: adaptDatabaseWebhook,
  auth: adaptAuth,
};

describe("a sample", () => {
  test("of otlp is a model call and a use of the demo world's tool, without rejections", async () => {
    const { path, headers, body } = create("otlp");
    expect(path).toBe("otlp/v1/traces");
    expect(headers["content-type"]).toBe("application/json");
    const { modelCalls, toolUses, rejected, ignored } = await read(
      JSON.parse(body),
      {},
    );
    expect(rejected).toEqual([]);
    expect(ignored).toBe(1);
    expect(modelCalls).toMatchObject([{
      event: { firm_id: DEMO.firm_id, input_tokens: 5_200, latency_ms: 3_000 },
    }]);
    expect(toolUses).toMatchObject([{
      event: { execution_ms: 1_000 },
      lookups: { agents: ["research-agent"], tool: "web-search" },
    }]);
    const again = await read(JSON.parse(create("otlp").body), {});
    expect(again.modelCalls[0].event.id).not.toBe(modelCalls[0].event.id);
  });

  test.each(Object.entries(ADAPTERS))(
    "of %s is accepted without issues, and new each time",
    async (format, adapt) => {
      const { path, headers, body } = create(format);
      expect(path).toBe(`webhooks/${format}`);
      const { events } = await adapt(deliver(body, { headers }));
      expect(events.length).toBeGreaterThan(0);
      for (const event of events) {
        expect(event.issues).toEqual([]);
        if (format !== "litellm" && format !== "portkey") {
          expect(validate(event, "audit")).toEqual([]);
        }
      }
      const again = await adapt(deliver(create(format).body));
      expect(again.events[0].event.id).not.toBe(events[0].event.id);
    },
  );

  test.each(LOG_SLUGS)("of an envelope is an event of %s", async (log) => {
    for (
      const [format, adapt] of [
        ["standard", adaptStandardWebhook],
        ["cloudevents", adaptCloudEvents],
      ] as const
    ) {
      const { path, headers, body } = create(format, log);
      expect(path).toBe(`webhooks/${format}/${log}`);
      const { events } = await adapt(deliver(body, { headers }), log);
      expect(events[0].issues).toEqual([]);
      expect(validate(events[0], log)).toEqual([]);
    }
  });

  test.each(LOG_SLUGS)("of a native event is one of %s", (log) => {
    const { path, body } = create("native", log);
    expect(path).toBe(log);
    const event = JSON.parse(body);
    expect(validate({ event }, log)).toEqual([]);
  });
});
