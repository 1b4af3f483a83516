/**
 * `npm run ledger:key`: generates a key that signs checkpoints, or, with `--witness`,
 * one that cosigns those of other logs.
 */
import { StackError } from "../local/stack-error.ts";
import {
  deriveStoreSecret,
  KEY_VARIABLES,
  permitSigner,
} from "../shared/evidence/ledger-keys.ts";
import { createKeys, parseSignerKey } from "../shared/tlog/keys.ts";
import { readArguments, runCommand } from "./command-line.ts";

const FLAGS = { witness: { type: "boolean" } } as const;

const USAGE = `\
Usage: npm run ledger:key -- <name> [--witness]

Generates a key that signs checkpoints, and prints its secret and its public part.

  <name>     the origin of the log, such as example.com/ledger, which never changes
  --witness  generate a key that cosigns the checkpoints of other logs
  --help     show this text

Example: npm run ledger:key -- example.com/ledger`;

if (import.meta.main) await runCommand(USAGE, makeKey);

async function makeKey(args: string[]): Promise<void> {
  const { flags: { witness: isWitness }, positionals: [name, ...more] } =
    readArguments(args, FLAGS, Infinity);
  if (name === undefined) {
    throw new StackError(
      "The name is missing; pass one, such as example.com/ledger",
    );
  }
  if (more.length > 0) {
    throw new StackError(
      "More than one name is given; run the command once for each key",
    );
  }
  const keys = await createKeys(name, isWitness ? "cosignature" : "note")
    .catch((error) => {
      throw new StackError(`Cannot use this name: ${error.message}`);
    });
  const purpose = isWitness ? "cosignature" : "checkpoint";
  const parsed = await parseSignerKey(keys.signerKey);
  if ("fault" in parsed) throw new Error(`The new key ${parsed.fault}`);
  const permit = permitSigner(purpose, await deriveStoreSecret(parsed.key));
  const variable = isWitness ? KEY_VARIABLES.witness : KEY_VARIABLES.signers;
  console.log(`# Secret: set it where the function ledger runs
${variable}=${keys.signerKey}

# As the owner of the database, in the SQL editor: permit the key to store its ${
    isWitness ? "cosignatures" : "checkpoints"
  }
${permit}

# Public: give it to verifiers
${keys.verifierKey}`);
}
