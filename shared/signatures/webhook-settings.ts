import { type ParsedSecrets, parseSecrets } from "./webhook-secrets.ts";

/** The environment variables that hold secrets, by what they are for. */
export const SECRET_VARIABLES = {
  /** `/webhooks/auth`: the secrets of Supabase Auth's hooks. */
  auth: "AUTH_HOOK_SECRETS",
  /** `/webhooks/standard/<log>`. */
  standard: "STANDARD_WEBHOOK_SECRETS",
} as const;

/** What verifies the signatures of an endpoint; null where nothing is set. */
export type WebhookSettings = Record<
  keyof typeof SECRET_VARIABLES,
  ParsedSecrets | null
>;

/** Reads the secrets when the function starts, so that a fault is seen early. */
export function readWebhookSettings(
  readVariable: (name: string) => string | undefined,
): WebhookSettings {
  const read = (name: string) => {
    const text = readVariable(name)?.trim();
    return text ? parseSecrets(text) : null;
  };
  return {
    auth: read(SECRET_VARIABLES.auth),
    standard: read(SECRET_VARIABLES.standard),
  };
}

/** One sentence for each variable that cannot be used. */
export function findSettingFaults(settings: WebhookSettings): string[] {
  return (Object.keys(settings) as (keyof WebhookSettings)[]).flatMap(
    (name) => {
      const error = settings[name]?.error;
      return error
        ? [`${SECRET_VARIABLES[name]} cannot be used: ${error}`]
        : [];
    },
  );
}
