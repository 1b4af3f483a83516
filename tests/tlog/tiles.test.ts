import { describe, expect, test } from "vitest";
import {
  listNewTiles,
  parseTilePath,
  toTilePath,
  widthOf,
} from "../../shared/tlog/tiles.ts";

describe("the path of a tile", () => {
  test.each([
    [{ level: 0, index: 0, width: 256 }, "tile/0/000"],
    [{ level: 0, index: 1_234_067, width: 256 }, "tile/0/x001/x234/067"],
    [{ level: 1, index: 999, width: 255 }, "tile/1/999.p/255"],
    [{ level: 2, index: 1_000, width: 1 }, "tile/2/x001/000.p/1"],
    [{ level: 63, index: 5, width: 256 }, "tile/63/005"],
  ])("of %o is %s, and parses to it", (tile, path) => {
    expect(toTilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  });

  test.each([
    "",
    "tile/0",
    "tile/00/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/0/0",
    "tile/0/1234",
    "tile/0/001/234",
    "tile/0/x001",
    "tile/0/x000/001",
    "tile/0/x01/001",
    "tile/0/000.p/0",
    "tile/0/000.p/01",
    "tile/0/000.p/256",
    "tile/0/000.p/1000",
    "tile/0/000.p/",
    "tile/entries/000",
    "tile/0/000/",
    "/tile/0/000",
    "tile/0/000\n",
    `tile/0/${"x999/".repeat(6)}999`,
  ])("is not %j", (path) => {
    expect(parseTilePath(path)).toBeNull();
  });
});

describe("the tiles of a tree", () => {
  test("of 70,000 leaves match the specification", () => {
    const tiles = [...listNewTiles(0, 70_000)];
    const of = (level: number) => tiles.filter((tile) => tile.level === level);
    expect(of(0)).toHaveLength(274);
    expect(of(0).filter(({ width }) => width === 256)).toHaveLength(273);
    expect(of(0).at(-1)).toEqual({ level: 0, index: 273, width: 112 });
    expect(of(1)).toEqual([
      { level: 1, index: 0, width: 256 },
      { level: 1, index: 1, width: 17 },
    ]);
    expect(of(2)).toEqual([{ level: 2, index: 0, width: 1 }]);
    expect(tiles).toHaveLength(277);
  });

  test("of 256 leaves are one full tile and one partial tile above it", () => {
    expect([...listNewTiles(0, 256)]).toEqual([
      { level: 0, index: 0, width: 256 },
      { level: 1, index: 0, width: 1 },
    ]);
  });

  test("do not exist for no leaves, or between equal sizes", () => {
    expect([...listNewTiles(0, 0)]).toEqual([]);
    expect([...listNewTiles(300, 300)]).toEqual([]);
  });

  test("that are new are the missing and the widened ones", () => {
    for (
      const [oldSize, size] of [[0, 1], [1, 2], [255, 256], [250, 700], [
        512,
        513,
      ], [65_530, 65_540]]
    ) {
      const before = new Set([...listNewTiles(0, oldSize)].map(toTilePath));
      const wanted = [...listNewTiles(0, size)].map(toTilePath)
        .filter((path) => !before.has(path));
      expect([...listNewTiles(oldSize, size)].map(toTilePath)).toEqual(wanted);
    }
  });

  test("have the width of the specification's formula", () => {
    expect(widthOf(0, 273, 70_000)).toBe(70_000 % 256);
    expect(widthOf(0, 272, 70_000)).toBe(256);
    expect(widthOf(0, 274, 70_000)).toBe(0);
    expect(widthOf(1, 1, 70_000)).toBe(Math.floor(70_000 / 256) % 256);
    expect(widthOf(5, 0, 70_000)).toBe(0);
  });
});
