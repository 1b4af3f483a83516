import { beforeAll, describe, expect, test } from "vitest";
import {
  type ConsistencyClaim,
  type InclusionClaim,
  proveConsistency,
  proveInclusion,
  verifyConsistency,
  verifyInclusion,
} from "../../shared/tlog/proofs.ts";
import type { Bytes } from "../../shared/tlog/encoding.ts";
import { EMPTY_ROOT, hashLeaf, hashTree } from "../../shared/tlog/tree.ts";
import { makeLeaves, tilesOf } from "./synthetic-tiles.ts";

const SIZES = 64;
const leaves = makeLeaves(SIZES);
const roots = Array.from(
  { length: SIZES + 1 },
  (_, size) => hashTree(leaves.slice(0, size)),
);
const read = tilesOf(leaves);

describe("the inclusion proofs of trees of up to 64 leaves", () => {
  const proven: { claim: InclusionClaim; proof: Bytes[] }[] = [];
  beforeAll(async () => {
    for (let size = 1; size <= SIZES; size++) {
      for (let index = 0; index < size; index++) {
        const proof = await proveInclusion(read, index, size);
        const claim = { index, leaf: leaves[index], size, root: roots[size] };
        proven.push({ claim, proof });
      }
    }
  });

  test("verify, all 2,080 of them", () => {
    expect(proven).toHaveLength(2_080);
    for (const { claim, proof } of proven) {
      expect(verifyInclusion(claim, proof)).toBe(true);
      expect(proof.length).toBeLessThanOrEqual(
        Math.ceil(Math.log2(claim.size)),
      );
    }
  });

  test("do not verify with a hash changed, missing or added", () => {
    for (const { claim, proof } of proven) {
      for (const forged of forge(proof)) {
        expect(verifyInclusion(claim, forged)).toBe(false);
      }
    }
  });

  test("do not verify for another leaf, index or root", () => {
    const stranger = hashLeaf("stranger");
    for (const { claim, proof } of proven) {
      const { index, size } = claim;
      for (let other = -1; other <= size; other++) {
        if (other === index) continue;
        expect(verifyInclusion({ ...claim, index: other }, proof)).toBe(false);
      }
      expect(verifyInclusion({ ...claim, leaf: stranger }, proof)).toBe(false);
      expect(verifyInclusion({ ...claim, root: stranger }, proof)).toBe(false);
    }
  });

  test("do not verify for the size and root of another tree", () => {
    for (const { claim, proof } of proven) {
      for (const size of otherSizes(claim.size)) {
        const other = { ...claim, size, root: roots[size] };
        expect(verifyInclusion(other, proof)).toBe(false);
      }
    }
  });
});

describe("the consistency proofs of trees of up to 64 leaves", () => {
  const proven: { claim: ConsistencyClaim; proof: Bytes[] }[] = [];
  beforeAll(async () => {
    for (let size = 1; size <= SIZES; size++) {
      for (let oldSize = 1; oldSize <= size; oldSize++) {
        const proof = await proveConsistency(read, oldSize, size);
        const claim = {
          oldSize,
          oldRoot: roots[oldSize],
          size,
          root: roots[size],
        };
        proven.push({ claim, proof });
      }
    }
  });

  test("verify, all 2,080 of them", () => {
    expect(proven).toHaveLength(2_080);
    for (const { claim, proof } of proven) {
      expect(verifyConsistency(claim, proof)).toBe(true);
    }
  });

  test("do not verify with a hash changed, missing or added", () => {
    for (const { claim, proof } of proven) {
      for (const forged of forge(proof)) {
        expect(verifyConsistency(claim, forged)).toBe(false);
      }
    }
  });

  test("do not verify for another root", () => {
    const stranger = hashLeaf("stranger");
    for (const { claim, proof } of proven) {
      expect(verifyConsistency({ ...claim, root: stranger }, proof)).toBe(
        false,
      );
      expect(verifyConsistency({ ...claim, oldRoot: stranger }, proof))
        .toBe(false);
    }
  });

  test("do not verify for the sizes and roots of other trees", () => {
    for (const { claim, proof } of proven) {
      for (const size of otherSizes(claim.size)) {
        const later = { ...claim, size, root: roots[size] };
        expect(verifyConsistency(later, proof)).toBe(
          isNothing(later, proof),
        );
      }
      for (const size of otherSizes(claim.oldSize)) {
        const old = { ...claim, oldSize: size, oldRoot: roots[size] };
        expect(verifyConsistency(old, proof)).toBe(isNothing(old, proof));
      }
    }
  });

  test("are empty for the empty tree", async () => {
    expect(await proveConsistency(read, 0, 40)).toEqual([]);
    const claim = {
      oldSize: 0,
      oldRoot: EMPTY_ROOT,
      size: 40,
      root: roots[40],
    };
    expect(verifyConsistency(claim, [])).toBe(true);
    expect(verifyConsistency(claim, [roots[3]])).toBe(false);
  });
});

describe("an impossible proof", () => {
  test.each([[-1, 5], [5, 5], [0, 0], [Number.NaN, 5]])(
    "is not created for leaf %i of %i",
    async (index, size) => {
      await expect(proveInclusion(read, index, size)).rejects.toThrow(
        RangeError,
      );
    },
  );

  test.each([[-1, 5], [6, 5], [Number.NaN, 5]])(
    "is not created from %i to %i leaves",
    async (oldSize, size) => {
      await expect(proveConsistency(read, oldSize, size))
        .rejects.toThrow(RangeError);
    },
  );
});

test("a proof for a tree beyond 2^32 leaves verifies", () => {
  // The leaf is the last of 2^40 + 1, whose only sibling is all that is before.
  const [leaf, before] = leaves;
  const size = 2 ** 40 + 1;
  const root = hashTree([before, leaf]);
  expect(verifyInclusion({ index: 2 ** 40, leaf, size, root }, [before]))
    .toBe(true);
  expect(verifyInclusion({ index: 2 ** 40 - 1, leaf, size, root }, [before]))
    .toBe(false);
  const claim = { oldSize: 2 ** 40, oldRoot: before, size, root };
  expect(verifyConsistency(claim, [leaf])).toBe(true);
  expect(verifyConsistency({ ...claim, oldSize: 2 ** 40 - 1 }, [leaf]))
    .toBe(false);
});

/** Two trees of the same size need an empty proof. */
function isNothing({ oldSize, size }: ConsistencyClaim, proof: Bytes[]) {
  return oldSize === size && proof.length === 0;
}

/** Sizes near `size`, and at the ends. */
function otherSizes(size: number): number[] {
  return [1, 2, size - 2, size - 1, size + 1, size + 2, 63, 64]
    .filter((other) => other !== size && other > 0 && other <= SIZES);
}

/** A proof with one hash changed in each place, one left out in each, or more. */
function* forge(proof: Bytes[]): Generator<Bytes[]> {
  for (const [at, hash] of proof.entries()) {
    const changed = hash.slice();
    changed[at % 32] ^= 1 << (at % 8);
    yield proof.with(at, changed);
    yield proof.toSpliced(at, 1);
    yield proof.toSpliced(at, 0, hash);
    if (at > 0) yield proof.with(at, proof[at - 1]).with(at - 1, hash);
  }
  yield [...proof, EMPTY_ROOT];
  yield [EMPTY_ROOT, ...proof];
}
