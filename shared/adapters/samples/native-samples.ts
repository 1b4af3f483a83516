import { LOGS_BY_SLUG } from "../../logs/index.ts";
import { createJsonSample, type Sample, type SampleSeed } from "./sample.ts";

/** A native event of a log, posted to the log itself. */
export function createNativeSample(seed: SampleSeed): Sample {
  const event = { id: seed.createId(), ...createEvent(seed) };
  return createJsonSample(seed.log, event);
}

/** A Standard Webhooks payload with a native event. */
export function createStandardSample(seed: SampleSeed): Sample {
  return createJsonSample(`webhooks/standard/${seed.log}`, {
    type: `${seed.log}.recorded`,
    timestamp: seed.now.toISOString(),
    data: createEvent(seed),
  }, { "webhook-id": `msg_${seed.createId()}` });
}

/** A CloudEvent in structured mode with a native event. */
export function createCloudEventSample(seed: SampleSeed): Sample {
  return createJsonSample(`webhooks/cloudevents/${seed.log}`, {
    specversion: "1.0",
    id: seed.createId(),
    source: "/samples",
    type: `${seed.log}.recorded`,
    time: seed.now.toISOString(),
    datacontenttype: "application/json",
    data: createEvent(seed),
  }, { "content-type": "application/cloudevents+json" });
}

/** The log's example, happening now, without an id. */
function createEvent({ log, now }: SampleSeed): Record<string, unknown> {
  const { example, timeColumn } = LOGS_BY_SLUG[log];
  const { id: _, ...event } = example;
  return { ...event, [timeColumn]: now.toISOString() };
}
