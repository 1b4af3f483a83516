import {
  openCheckpoint,
  type OpenedCheckpoint,
} from "../../shared/tlog/checkpoint.ts";
import { equalBytes, toBase64 } from "../../shared/tlog/encoding.ts";
import { formatVerifierKey } from "../../shared/tlog/keys.ts";
import { parseNote } from "../../shared/tlog/note.ts";
import type { Policy } from "../../shared/tlog/policy.ts";
import type { GivenReceipt } from "./receipts.ts";

/** The result of a verification. */
export type Report = {
  /** One sentence each; empty if the evidence is valid. */
  findings: string[];
  /** The content of the evidence. */
  summary: string[];
  /** What the evidence does not prove, one phrase each. */
  notChecked: string[];
};

/** The trust anchors and kept data of the verifier. */
export type Trust = {
  policy: Policy;
  /** Signed checkpoints that were kept apart from the operator. */
  held: readonly string[];
  receipts: readonly GivenReceipt[];
};

/** A report of one finding that prevents all other checks. */
export function reportOnly(finding: string): Report {
  return { findings: [finding], summary: [], notChecked: [] };
}

/** Untrusted text in quotes, so that it cannot imitate output. */
export function quote(text: string): string {
  return escapeInvisible(JSON.stringify(text));
}

/** Text with every control and invisible character escaped, on one line. */
export function escapeInvisible(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** The keys of logs that a policy trusts, by name and id. */
export function listTrusted({ logs }: Policy): string {
  return logs.map(({ key }) => formatVerifierKey(key).split("+", 2).join("+"))
    .join(", ");
}

/** The remedy for a checkpoint without a trusted signature; empty for other faults. */
export function explainUntrusted(content: string, policy: Policy): string {
  const parsed = parseNote(content);
  if ("fault" in parsed) {
    return "; it is truncated or was changed: download it again";
  }
  const { text, signatures } = parsed.note;
  const isKnown = signatures.some(({ name, keyId }) =>
    policy.logs.some(({ key }) => key.name === name && key.id === keyId)
  );
  if (isKnown) return "";
  const origin = text.split("\n", 1)[0];
  return policy.logs.some(({ key }) => key.name === origin)
    ? `; trusted is ${
      listTrusted(policy)
    }: after a rotation of keys, repeat --key for each key that has signed`
    : `; it is of the log ${quote(origin)}, and trusted is ${
      listTrusted(policy)
    }: pass a key of that log`;
}

/** Two lines about a trusted checkpoint. */
export function describeCheckpoint(
  { checkpoint, cosigned }: OpenedCheckpoint,
): string[] {
  const { origin, size, root } = checkpoint;
  const witnesses = [...cosigned].map(([name, time]) =>
    `${quote(name)} at ${formatSeconds(time)}`
  );
  return [
    `Checkpoint of ${quote(origin)}: ${size} leaves, root ${toBase64(root)}`,
    `Signed by a trusted key of the log, cosigned by ${
      witnesses.length === 0 ? "no trusted witness" : witnesses.join(", ")
    }`,
  ];
}

/**
 * Compares a checkpoint with the held ones, as far as checkpoints suffice: different
 * sizes require a bundle, a URL or a consistency proof.
 */
export async function compareHeld(
  { checkpoint }: OpenedCheckpoint,
  held: readonly string[],
  policy: Policy,
): Promise<
  { findings: string[]; covered: number | null; uncompared: number[] }
> {
  const findings: string[] = [];
  const uncompared: number[] = [];
  let covered: number | null = null;
  for (const content of held) {
    const opened = await openCheckpoint(content, policy);
    if ("fault" in opened) {
      findings.push(
        `A held checkpoint ${opened.fault}${explainUntrusted(content, policy)}`,
      );
      continue;
    }
    const { origin, size, root } = opened.checkpoint;
    if (origin !== checkpoint.origin) {
      findings.push(
        `A held checkpoint is of another log, ${quote(origin)}`,
      );
    } else if (size !== checkpoint.size) {
      uncompared.push(size);
    } else {
      covered = size;
      if (!equalBytes(root, checkpoint.root)) {
        findings.push(`The log signed different roots for the size ${size}`);
      }
    }
  }
  return { findings, covered, uncompared };
}

/** Seconds since 1970 as a UTC time. */
export function formatSeconds(seconds: bigint): string {
  return formatMicroseconds(String(seconds * 1_000_000n));
}

/** Microseconds since 1970 as a UTC time; anything else as it is. */
export function formatMicroseconds(text: string): string {
  if (!/^-?\d{1,19}$/.test(text)) return text;
  const all = BigInt(text);
  const fraction = ((all % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const date = new Date(Number((all - fraction) / 1_000n));
  return Number.isNaN(date.getTime()) ? text : date.toISOString()
    .replace(/\.\d{3}Z$/, `.${String(fraction).padStart(6, "0")}Z`);
}
