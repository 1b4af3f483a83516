import { createLitellmSample } from "./litellm-sample.ts";
import {
  createCloudEventSample,
  createNativeSample,
  createStandardSample,
} from "./native-samples.ts";
import { createOtlpSample } from "./otlp-sample.ts";
import type { CreateSample } from "./sample.ts";
import { createAuthSample, createDatabaseSample } from "./supabase-samples.ts";

/** A format that a sample can be made of. */
export type SampleFormat = {
  create: CreateSample;
  /** Whether the format carries events of any log, so that one must be named. */
  takesLog: boolean;
};

/** Every format, by the name that `npm run send` takes. */
export const SAMPLES: Record<string, SampleFormat> = {
  otlp: { create: createOtlpSample, takesLog: false },
  litellm: { create: createLitellmSample, takesLog: false },
  database: { create: createDatabaseSample, takesLog: false },
  auth: { create: createAuthSample, takesLog: false },
  standard: { create: createStandardSample, takesLog: true },
  cloudevents: { create: createCloudEventSample, takesLog: true },
  native: { create: createNativeSample, takesLog: true },
};
