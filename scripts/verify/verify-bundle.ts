import type { Policy } from "../../shared/tlog/policy.ts";
import { createFrontier } from "../../shared/tlog/tree.ts";
import { type BundleLine, parseBundleLine } from "./bundle.ts";
import { RecordedRows } from "./recorded-rows.ts";
import { SignedRoots } from "./signed-roots.ts";
import type { EvidenceFinding, Verdict } from "./verdict.ts";

/** The options of {@linkcode verifyBundle}. */
type VerifierOptions = {
  /**
   * Signed checkpoints that the verifier kept, or got from others than the operator. They
   * detect a history that was rewritten with the log's key.
   */
  heldCheckpoints?: readonly string[];
};

/**
 * Verifies a bundle (see `BundleLine`; lines without newlines) as a stream: the
 * signatures of the checkpoints, the roots of the leaves, each row against its leaf, and
 * a leaf for every deletion and erasure.
 *
 * `listBundleLimits` has the limits of the verdict.
 *
 * Memory grows with the number of rows, of which it keeps the ids.
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

/** The kinds of lines in the order of the format. */
const ORDER: readonly BundleLine["type"][] = [
  "header",
  "checkpoint",
  "leaf",
  "pending",
  "row",
  "end",
];

/** The state of a verification. */
class BundleCheck {
  #faults: EvidenceFinding[] = [];
  #rows = new RecordedRows();
  #roots: SignedRoots;
  #lines = 0;
  /** The kind of the previous line. */
  #last: BundleLine["type"] | null = null;
  #isForeign = false;

  constructor(
    policy: Policy,
    private readonly heldCheckpoints: readonly string[],
  ) {
    this.#roots = new SignedRoots(policy);
  }

  /** Verifies the next line; null unless the caller has to await it. */
  addLine(text: string): Promise<void> | null {
    this.#lines += 1;
    if (this.#isForeign) return null;
    const line = parseBundleLine(text);
    if (line === null || !this.#isInPlace(line)) {
      this.#reportLine(line);
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
        if (line.lines !== this.#lines - 1) this.#reportTruncation();
        return null;
    }
  }

  /** The verdict, after the last line. */
  conclude(): Verdict {
    if (this.#last !== "end") this.#reportTruncation();
    this.#report(this.#roots.compare(createFrontier()));
    this.#report(this.#roots.finish(this.#rows.frontier.size));
    this.#report(this.#rows.finish());
    return {
      ok: this.#faults.length === 0,
      faults: this.#faults,
      counts: {
        ...this.#rows.counts,
        lines: this.#lines,
        checkpoints: this.#roots.count,
      },
      newest: this.#roots.newest,
      heldSize: this.#roots.heldSize,
      emptyLogs: this.#rows.emptyLogs,
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

  #reportLine(line: BundleLine | null): void {
    const number = this.#lines;
    // Without the header, the other lines cannot be interpreted.
    this.#isForeign = this.#last === null;
    const [code, problem] = this.#isForeign
      ? ["misplaced_line", "is not the first line of a bundle"] as const
      : line === null
      ? ["malformed_line", "is not valid in the format"] as const
      : ["misplaced_line", "is out of order"] as const;
    this.#report([{ code, line: number, detail: `Line ${number} ${problem}` }]);
  }

  #reportTruncation(): void {
    const detail =
      "The bundle does not end with its line count: it is truncated";
    this.#report([{ code: "cut_off", line: this.#lines, detail }]);
  }

  #report(faults: Iterable<EvidenceFinding>): void {
    for (const fault of faults) this.#faults.push(fault);
  }
}
