import {
  openCheckpoint,
  type OpenedCheckpoint,
} from "../../shared/tlog/checkpoint.ts";
import { equalBytes } from "../../shared/tlog/encoding.ts";
import type { Policy } from "../../shared/tlog/policy.ts";
import { type Frontier, rootOf } from "../../shared/tlog/tree.ts";
import type { EvidenceFault, EvidenceFaultCode } from "./verdict.ts";

/** A checkpoint from the bundle, or one held independently of it. */
type GivenCheckpoint = { content: string; isHeld: boolean };

/**
 * The roots that a log signed. That the leaves have every one of them shows, too,
 * that the checkpoints are consistent with each other.
 */
export class SignedRoots {
  #bySize = new Map<number, OpenedCheckpoint[]>();
  #newest: OpenedCheckpoint | null = null;

  #count = 0;
  /** The log that the bundle is of. */
  origin = "";

  constructor(private readonly policy: Policy) {}

  /** How many checkpoints a log of the policy signed. */
  get count(): number {
    return this.#count;
  }

  /** The checkpoint of the bundle with the greatest size. */
  get newest(): OpenedCheckpoint | null {
    return this.#newest;
  }

  /** Verifies a checkpoint, and remembers it if a log of the policy signed it. */
  async add({ content, isHeld }: GivenCheckpoint): Promise<EvidenceFault[]> {
    const subject = isHeld ? "A checkpoint held apart" : "A checkpoint";
    const opened = await openCheckpoint(content, this.policy);
    if ("fault" in opened) {
      return [fault("checkpoint_untrusted", `${subject} ${opened.fault}`)];
    }
    const { origin, size, root } = opened.checkpoint;
    if (origin !== this.origin) {
      const detail = `${subject} is of another log than the bundle`;
      return [fault("checkpoint_untrusted", detail)];
    }
    this.#count += 1;
    const others = this.#bySize.get(size) ?? [];
    this.#bySize.set(size, [...others, opened]);
    if (!isHeld && isBetter(opened, this.#newest)) this.#newest = opened;
    return others.every((other) => equalBytes(other.checkpoint.root, root))
      ? []
      : [fault(
        "checkpoints_differ",
        `The log signed different roots for the size ${size}`,
      )];
  }

  /** Compares the root of the leaves so far with those signed for their number. */
  *compare(frontier: Frontier): Generator<EvidenceFault> {
    const signed = this.#bySize.get(frontier.size);
    if (signed === undefined) return;
    const root = rootOf(frontier);
    for (const { checkpoint } of signed) {
      if (equalBytes(checkpoint.root, root)) continue;
      yield fault(
        "root_differs",
        `The first ${frontier.size} leaves do not have the root that the log signed`,
      );
    }
  }

  /** What the checkpoints lack, when there are no more leaves. */
  *settle(leaves: number): Generator<EvidenceFault> {
    for (const size of this.#bySize.keys()) {
      if (size <= leaves) continue;
      yield fault(
        "leaves_missing",
        `A checkpoint covers ${size} leaves, but there are only ${leaves}`,
      );
    }
    const newest = this.#newest;
    if (newest === null) {
      const detail = "The bundle has no checkpoint that can be trusted";
      yield fault("checkpoint_missing", detail);
      return;
    }
    if (!newest.isQuorum) {
      const detail =
        `The newest checkpoint, of ${newest.checkpoint.size} leaves, lacks the quorum of witnesses`;
      yield fault("quorum_missing", detail);
    }
    if (newest.checkpoint.size < leaves) {
      const detail =
        `The newest checkpoint covers ${newest.checkpoint.size} of ${leaves} leaves`;
      yield fault("leaves_unsigned", detail);
    }
  }
}

function isBetter(one: OpenedCheckpoint, other: OpenedCheckpoint | null) {
  const more = one.checkpoint.size - (other?.checkpoint.size ?? -1);
  return more > 0 || more === 0 && one.isQuorum;
}

function fault(code: EvidenceFaultCode, detail: string): EvidenceFault {
  return { code, detail };
}
