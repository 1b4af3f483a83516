import {
  deriveStoreSecret,
  KEY_VARIABLES,
  permitSigner,
  type SignerPurpose,
} from "../shared/evidence/ledger-keys.ts";
import { parseSignerKey } from "../shared/tlog/keys.ts";
import type { Database } from "./database.ts";

/** The variables with keys that store something, and the purpose of each. */
const PURPOSES: [string, SignerPurpose][] = [
  [KEY_VARIABLES.signers, "checkpoint"],
  [KEY_VARIABLES.witness, "cosignature"],
];

/**
 * Permits the signing keys of the functions' variables to store checkpoints, as the
 * owner of a project does (`npm run ledger:key` prints the statement). Malformed keys
 * are reported by the function.
 */
export async function permitSigners(
  database: Database,
  variables: Record<string, string>,
): Promise<void> {
  const [{ exists }] = await database.query<{ exists: boolean }>(
    "select to_regclass('ledger.signers') is not null as exists",
  );
  if (!exists) return;
  for (const [variable, purpose] of PURPOSES) {
    const [{ isUsed }] = await database.query<{ isUsed: boolean }>(
      `select exists (select from ledger.signers where purpose = $1) as "isUsed"`,
      [purpose],
    );
    const texts = (variables[variable] ?? "").split(/\s+/).filter(Boolean);
    for (const text of isUsed ? [] : texts) {
      const parsed = await parseSignerKey(text);
      if ("fault" in parsed) continue;
      await database.run(
        permitSigner(purpose, await deriveStoreSecret(parsed.key)),
      );
    }
  }
}
