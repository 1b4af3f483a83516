import { describe, expect, test } from "vitest";
import { decodeHex } from "@std/encoding/hex.js";
import { type Bytes, sha256, toHex } from "../../shared/tlog/encoding.ts";
import { readRoot } from "../../shared/tlog/tiles.ts";
import {
  appendLeaf,
  createFrontier,
  EMPTY_ROOT,
  floorPowerOfTwo,
  hashChildren,
  hashLeaf,
  hashTree,
  rootOf,
} from "../../shared/tlog/tree.ts";
import { makeLeaves, tilesOf } from "./synthetic-tiles.ts";

/** The reference tree of Certificate Transparency: leaves in hex, and roots. */
const REFERENCE = [
  ["", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"],
  ["00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
  ["10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"],
  ["2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"],
  ["3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"],
  [
    "40414243",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  ],
  [
    "5051525354555657",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  ],
  [
    "606162636465666768696a6b6c6d6e6f",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  ],
];

describe("a tree", () => {
  test("without leaves has the hash of the empty string as its root", () => {
    expect(rootOf(createFrontier())).toEqual(EMPTY_ROOT);
    expect(toHex(EMPTY_ROOT)).toBe(
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
  });

  test("has the roots of the reference tree, leaf by leaf", () => {
    const frontier = createFrontier();
    for (const [leaf, root] of REFERENCE) {
      // All of them are ASCII, which is its own UTF-8.
      const data = new TextDecoder().decode(decodeHex(leaf));
      appendLeaf(frontier, hashLeaf(data));
      expect(toHex(rootOf(frontier))).toBe(root);
    }
    expect(frontier.size).toBe(8);
  });

  test("has the root of RFC 9162 for every size up to 130", () => {
    const leaves = makeLeaves(130);
    const frontier = createFrontier();
    for (const [index, leaf] of leaves.entries()) {
      appendLeaf(frontier, leaf);
      const root = defineRoot(leaves.slice(0, index + 1));
      expect(rootOf(frontier)).toEqual(root);
      expect(hashTree(leaves.slice(0, index + 1))).toEqual(root);
    }
  });

  test("hashes leaves and inner nodes with different prefixes", () => {
    const [left, right] = makeLeaves(2);
    expect(hashChildren(left, right))
      .toEqual(sha256(new Uint8Array([1, ...left, ...right])));
    expect(hashLeaf("é🙂")).toEqual(
      sha256(new Uint8Array([0, 0xc3, 0xa9, 0xf0, 0x9f, 0x99, 0x82])),
    );
  });
});

describe("the root from tiles", () => {
  const leaves = makeLeaves(1_500);
  const read = tilesOf(leaves);
  const random = Array.from(
    { length: 12 },
    () => 1 + Math.floor(Math.random() * leaves.length),
  );

  test.each([0, 1, 255, 256, 257, 511, 512, 513, 1_500, ...random])(
    "equals the root from leaves, for the first %i",
    async (size) => {
      const root = hashTree(leaves.slice(0, size));
      expect(await readRoot(read, size)).toEqual(root);
    },
  );

  test("covers three levels of tiles", async () => {
    // Full tiles of level 1 stand for the same hash 65,536 times.
    const leaf = hashLeaf("leaf");
    const levels = [leaf];
    while (levels.length <= 17) {
      levels.push(hashChildren(levels.at(-1)!, levels.at(-1)!));
    }
    const paths: string[] = [];
    const root = await readRoot(({ level, width }) => {
      paths.push(`${level}/${width}`);
      return Promise.resolve(repeat(levels[8 * level], width));
    }, 2 ** 17 + 2 ** 8 + 1);
    expect(root).toEqual(
      hashChildren(levels[17], hashChildren(levels[8], leaf)),
    );
    expect(paths.sort()).toEqual(["0/1", "1/1", "2/2"]);
  });

  test("fails for a tile that is shorter or longer than its width", async () => {
    for (const change of [-32, -1, 32]) {
      const short = readRoot(
        async (tile) => {
          const hashes = await read(tile);
          return new Uint8Array(hashes.length + change);
        },
        300,
      );
      await expect(short).rejects.toThrow("hashes of 32 bytes");
    }
  });
});

describe("the largest power of two", () => {
  test("is exact where a logarithm is not", () => {
    for (let exponent = 1; exponent <= 52; exponent++) {
      const power = 2 ** exponent;
      expect(floorPowerOfTwo(power)).toBe(power);
      expect(floorPowerOfTwo(power - 1)).toBe(power / 2);
      expect(floorPowerOfTwo(power + 1)).toBe(power);
    }
    expect(floorPowerOfTwo(1)).toBe(1);
  });
});

/** MTH of RFC 9162 §2.1.1, word for word. */
function defineRoot(leaves: Bytes[]): Bytes {
  if (leaves.length === 1) return leaves[0];
  let split = 1;
  while (2 * split < leaves.length) split *= 2;
  return hashChildren(
    defineRoot(leaves.slice(0, split)),
    defineRoot(leaves.slice(split)),
  );
}

function repeat(hash: Bytes, times: number): Bytes {
  const bytes = new Uint8Array(hash.length * times);
  for (let at = 0; at < times; at++) bytes.set(hash, at * hash.length);
  return bytes;
}
