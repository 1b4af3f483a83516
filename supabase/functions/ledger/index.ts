import { readEnvironment } from "../../../shared/db/environment.ts";
import { serveLedger } from "../../../shared/serve-ledger.ts";
import { readLedgerKeys } from "../../../shared/evidence/ledger-keys.ts";

export default {
  fetch: serveLedger(
    readEnvironment((name) => Deno.env.get(name)),
    readLedgerKeys((name) => Deno.env.get(name)),
  ),
} satisfies Deno.ServeDefaultExport;
