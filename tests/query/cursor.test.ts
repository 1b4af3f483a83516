import { describe, expect, test } from "vitest";
import { openCursor, sealCursor } from "../../shared/query/cursor.ts";

const env = (secret: string) => ({
  url: "http://localhost",
  publishableKeys: {},
  secretKeys: { default: secret },
  jwks: null,
});
const POSITION = { time: "2026-01-01T00:00:00Z", id: "x", done: 42 };

describe("a cursor", () => {
  test("opens to its position", async () => {
    const cursor = await sealCursor(POSITION, "query", env("a"));
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(await openCursor(cursor, "query", env("a"))).toEqual(POSITION);
  });

  test("is encrypted, and different each time", async () => {
    const [first, second] = await Promise.all(
      [1, 2].map(() => sealCursor(POSITION, "query", env("a"))),
    );
    expect(first).not.toBe(second);
    expect(atob(first.replaceAll("-", "+").replaceAll("_", "/"))).not
      .toContain("2026");
  });

  test("is refused for another query, with another key and with a changed byte", async () => {
    const cursor = await sealCursor(POSITION, "query", env("a"));
    const changed = cursor.slice(0, -1) + (cursor.endsWith("A") ? "B" : "A");
    for (
      const attempt of [
        () => openCursor(cursor, "another", env("a")),
        () => openCursor(cursor, "query", env("b")),
        () => openCursor(changed, "query", env("a")),
        () => openCursor("", "query", env("a")),
      ]
    ) await expect(attempt()).rejects.toThrow("cursor");
  });
});
