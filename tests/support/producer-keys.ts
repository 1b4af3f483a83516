import {
  createProducerKey,
  hashProducerKey,
} from "../../shared/http/producer-keys.ts";
import { FIRM, type RunningStack, TABLES } from "./running-stack.ts";

/** What a key may do, as `add_producer_key` takes it. */
type Rights = {
  logs?: string[];
  scope?: Record<string, string>;
  can_read?: boolean;
  expires_at?: string | null;
  max_usd_day?: string;
  max_rows_day?: number;
};

/** Creates a key with these rights; by default write-only, for every log and one firm. */
export async function createKey(
  ledger: Pick<RunningStack, "admin">,
  rights: Rights = {},
): Promise<{ key: string; id: string }> {
  const key = createProducerKey();
  const { data, error } = await ledger.admin().rpc("add_producer_key", {
    hash: await hashProducerKey(key),
    name: "gateway",
    logs: Object.values(TABLES),
    scope: { firm_id: FIRM },
    ...rights,
  });
  if (error) throw new Error(error.message);
  return { key, id: (data as { id: string }).id };
}
