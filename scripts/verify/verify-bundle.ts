import type { Policy } from "../../shared/tlog/policy.ts";
import { createFrontier } from "../../shared/tlog/tree.ts";
import { type BundleLine, parseBundleLine } from "./bundle.ts";
import { RecordedRows } from "./recorded-rows.ts";
import { SignedRoots } from "./signed-roots.ts";
import type { EvidenceFault, Verdict } from "./verdict.ts";

/** What else a verifier has. */
type VerifierOptions = {
  /**
   * Signed checkpoints that the verifier kept, or had from others than the
   * operator. They reveal a history that the holder of the log's key rewrote.
   */
  heldCheckpoints?: readonly string[];
};

/**
 * Verifies a bundle (see `BundleLine`; lines without their newlines), streaming:
 * who signed the checkpoints, whether the leaves have their roots, whether every
 * row is what was recorded of it, and whether all that is gone is accounted for.
 * Reads nothing else.
 *
 * It cannot see what was changed before it was under a checkpoint (that is what
 * `pendingRows` and `pendingEvents` count), nor rows that the bundle leaves out
 * although they are in a table without a leaf, nor, without witnesses and held
 * checkpoints, a past rewritten by the holder of the log's key.
 *
 * Keeps each row's id in memory, but not the rows.
 */
export async function verifyBundle(
  lines: AsyncIterable<string> | Iterable<string>,
  policy: Policy,
  { heldCheckpoints = [] }: VerifierOptions = {},
): Promise<Verdict> {
  const bundle = new BundleCheck(policy, heldCheckpoints);
  for await (const text of lines) {
    const more = bundle.addLine(text);
    if (more !== null) await more;
  }
  return bundle.conclude();
}

/** The kinds of lines in the order that the format wants. */
const ORDER: readonly BundleLine["type"][] = [
  "header",
  "checkpoint",
  "leaf",
  "pending",
  "row",
  "end",
];

/** How far the verification of a bundle is. */
class BundleCheck {
  #faults: EvidenceFault[] = [];
  #rows = new RecordedRows();
  #roots: SignedRoots;
  #lines = 0;
  /** The kind of the line before. */
  #last: BundleLine["type"] | null = null;
  #isForeign = false;

  constructor(
    policy: Policy,
    private readonly heldCheckpoints: readonly string[],
  ) {
    this.#roots = new SignedRoots(policy);
  }

  /** Takes the next line; what has to be waited for, or null. */
  addLine(text: string): Promise<void> | null {
    this.#lines += 1;
    if (this.#isForeign) return null;
    const line = parseBundleLine(text);
    if (line === null || !this.#isInPlace(line)) {
      this.#refuseLine(line);
      return null;
    }
    this.#last = line.type;
    switch (line.type) {
      case "header":
        return this.#addHeader(line.origin);
      case "checkpoint":
        return this.#addCheckpoint(line.content, false);
      case "leaf":
        this.#report(this.#rows.addLeaf(line.index, line.evidence));
        this.#report(this.#roots.compare(this.#rows.frontier));
        return null;
      case "pending":
        this.#report(this.#rows.addPending(line.evidence));
        return null;
      case "row":
        this.#report(this.#rows.addUnrecorded(line.log, line.id));
        return null;
      case "end":
        if (line.lines !== this.#lines - 1) this.#reportCut();
        return null;
    }
  }

  /** The verdict, after the last line. */
  conclude(): Verdict {
    if (this.#last !== "end") this.#reportCut();
    this.#report(this.#roots.compare(createFrontier()));
    this.#report(this.#roots.settle(this.#rows.frontier.size));
    this.#report(this.#rows.settle());
    return {
      ok: this.#faults.length === 0,
      faults: this.#faults,
      counts: {
        ...this.#rows.counts,
        lines: this.#lines,
        checkpoints: this.#roots.count,
      },
      newest: this.#roots.newest,
      cut: this.#rows.cut,
    };
  }

  async #addHeader(origin: string): Promise<void> {
    this.#roots.origin = origin;
    for (const content of this.heldCheckpoints) {
      await this.#addCheckpoint(content, true);
    }
  }

  async #addCheckpoint(content: string, isHeld: boolean): Promise<void> {
    this.#report(await this.#roots.add({ content, isHeld }));
  }

  #isInPlace({ type }: BundleLine): boolean {
    if (this.#last === null || type === "header") {
      return this.#last === null && type === "header";
    }
    return this.#last !== "end" &&
      ORDER.indexOf(type) >= ORDER.indexOf(this.#last);
  }

  #refuseLine(line: BundleLine | null): void {
    const number = this.#lines;
    // Without the name of the format, nothing can be made of what follows.
    this.#isForeign = this.#last === null;
    const [code, what] = this.#isForeign
      ? ["misplaced_line", "is not the first line of a bundle"] as const
      : line === null
      ? ["malformed_line", "is not one of the format"] as const
      : ["misplaced_line", "is not where the format wants it"] as const;
    this.#report([{ code, line: number, detail: `Line ${number} ${what}` }]);
  }

  #reportCut(): void {
    const detail = "The bundle does not end with the number of its lines";
    this.#report([{ code: "cut_off", line: this.#lines, detail }]);
  }

  #report(faults: Iterable<EvidenceFault>): void {
    for (const fault of faults) this.#faults.push(fault);
  }
}
