import {
  openCheckpoint,
  type OpenedCheckpoint,
} from "../../shared/tlog/checkpoint.ts";
import { equalBytes } from "../../shared/tlog/encoding.ts";
import type { Policy } from "../../shared/tlog/policy.ts";
import { type Frontier, rootOf } from "../../shared/tlog/tree.ts";
import type { EvidenceFinding, EvidenceFindingCode } from "./verdict.ts";

/** A checkpoint of the bundle, or a held one. */
type GivenCheckpoint = { content: string; isHeld: boolean };

/**
 * The roots that a log signed. If the leaves have every one of them, the checkpoints are
 * consistent with each other.
 */
export class SignedRoots {
  #bySize = new Map<number, OpenedCheckpoint[]>();
  #newest: OpenedCheckpoint | null = null;
  #heldSize: number | null = null;
  #count = 0;
  /** The origin of the bundle's log. */
  origin = "";

  constructor(private readonly policy: Policy) {}

  /** The number of trusted checkpoints. */
  get count(): number {
    return this.#count;
  }

  /** The largest checkpoint of the bundle. */
  get newest(): OpenedCheckpoint | null {
    return this.#newest;
  }

  /** Leaves that the largest held checkpoint covers; null without one. */
  get heldSize(): number | null {
    return this.#heldSize;
  }

  /** Verifies a checkpoint, and keeps it if it is trusted. */
  async add({ content, isHeld }: GivenCheckpoint): Promise<EvidenceFinding[]> {
    const subject = isHeld ? "A held checkpoint" : "A checkpoint";
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
    if (isHeld) this.#heldSize = Math.max(size, this.#heldSize ?? 0);
    else if (isNewer(opened, this.#newest)) this.#newest = opened;
    return others.every((other) => equalBytes(other.checkpoint.root, root))
      ? []
      : [fault(
        "checkpoints_differ",
        `The log signed different roots for the size ${size}`,
      )];
  }

  /** Compares the root of the leaves so far with the roots signed for their number. */
  *compare(frontier: Frontier): Generator<EvidenceFinding> {
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

  /** The faults of the checkpoints, after the last leaf. */
  *finish(leaves: number): Generator<EvidenceFinding> {
    for (const size of this.#bySize.keys()) {
      if (size <= leaves) continue;
      yield fault(
        "leaves_missing",
        `A checkpoint covers ${size} leaves, but the bundle has ${leaves}`,
      );
    }
    const newest = this.#newest;
    if (newest === null) {
      const detail = "The bundle has no trusted checkpoint";
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

/** Whether a checkpoint is larger than another, or as large with a quorum. */
function isNewer(
  { checkpoint, isQuorum }: OpenedCheckpoint,
  known: OpenedCheckpoint | null,
): boolean {
  const growth = checkpoint.size - (known?.checkpoint.size ?? -1);
  return growth > 0 || growth === 0 && isQuorum;
}

function fault(code: EvidenceFindingCode, detail: string): EvidenceFinding {
  return { code, detail };
}
