import { describe, expect, test } from "vitest";
import { convertRules } from "../../../scripts/secret-rules/convert.ts";
import {
  describeRelease,
  pickNewerRelease,
  UPSTREAM,
} from "../../../scripts/secret-rules/upstream.ts";
import { writeSecretRules } from "../../../scripts/secret-rules.ts";
import { GITLEAKS_RULES } from "../../../shared/redaction/gitleaks-rules.ts";

const END = String.raw`(?:[\x60'"\s;]|\\[nr]|$)`;
const NAMED = String
  .raw`(?i)[\w.-]{0,50}?(?:acme)(?:[ \t\w.-]{0,20})[\s'"]{0,3}(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)[\x60'"\s=]{0,5}`;

function convertOne(regex: string, id = "acme-token") {
  const [rule] = convertRules([{ id, regex, keywords: ["acme_"], entropy: 2 }]);
  return rule;
}

describe("a rule of gitleaks", () => {
  test("keeps its id, keywords and entropy, and gets the flags of RE2", () => {
    expect(convertOne(String.raw`\b(acme_(?i)[a-z0-9]{32})` + END)).toEqual([
      "acme-token",
      ["acme_"],
      String.raw`(?<![A-Za-z0-9])(?:(acme_[a-z0-9]{32})(?![\w-]))`,
      "gi",
      2,
      "acme_",
    ]);
    expect(convertOne("acme_[[:alnum:]]{9}")[3]).toBe("g");
  });

  test("ends before a comma and a bracket, which prose has after a key", () => {
    const [, , source, flags] = convertOne(String.raw`\b(acme_[a-z]{9})` + END);
    const pattern = new RegExp(source, flags);
    expect("key acme_abcdefghi, retry".match(pattern)).toEqual([
      "acme_abcdefghi",
    ]);
    expect("(acme_abcdefghi)".match(pattern)).not.toBeNull();
    expect("acme_abcdefghij".match(pattern)).toBeNull();
  });

  test("is left out if its value has no form of its own", () => {
    expect(convertOne(`${NAMED}([a-f0-9]{32})${END}`)).toBeUndefined();
    expect(convertOne("[a-z]{20}", "generic-api-key")).toBeUndefined();
  });

  test("for a value after a name keeps the value if that has a form", () => {
    const [, keywords, source] = convertOne(
      `${NAMED}(key-[a-f0-9]{32})${END}`,
      "mailgun-private-api-token",
    );
    expect(keywords).toEqual(["key-"]);
    expect("x key-0123456789abcdef0123456789abcdef".match(source))
      .not.toBeNull();
  });

  test("that JavaScript cannot express is an error with the remedy", () => {
    expect(() => convertOne("(?P>recursion)acme")).toThrow(
      /^Cannot convert the rule acme-token of gitleaks: .*; leave it out in /,
    );
  });
});

describe("the copied rules", () => {
  test("are those of gitleaks.toml", async () => {
    const file = new URL(
      "../../../shared/redaction/gitleaks-rules.ts",
      import.meta.url,
    );
    expect(await Deno.readTextFile(file)).toBe(await writeSecretRules());
    expect(GITLEAKS_RULES.length).toBeGreaterThan(100);
  });

  test("name their release and have its license", async () => {
    const text = await writeSecretRules();
    expect(text).toContain(`gitleaks ${UPSTREAM.version} (${UPSTREAM.date}`);
    expect(text).toContain("Copyright (c) 2019 Zachary Rice");
  });
});

describe("a newer release of gitleaks", () => {
  const listing = (...versions: string[]) =>
    versions.map((version) => `0a1b2c\trefs/tags/v${version}\n`).join("");

  test("is found by version, not by text", () => {
    expect(pickNewerRelease(listing("8.30.1", "8.9.0"))).toBeUndefined();
    expect(pickNewerRelease(listing("8.30.1", "8.100.0", "8.31.0")))
      .toBe("8.100.0");
    expect(pickNewerRelease(listing("8.31.0", "9.0.0"))).toBe("9.0.0");
    expect(pickNewerRelease(listing("8.31.0-rc1"))).toBeUndefined();
  });

  test("is unknown without the repository, which is reported", async () => {
    expect(await describeRelease("file:///nonexistent/repository"))
      .toMatch(/cannot read the releases of file:/);
  });

  test("is reported with the place of the instructions", async () => {
    const folder = await Deno.makeTempDir();
    try {
      for (
        const args of [
          ["init", "-q", folder],
          ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@b.c"]
            .concat(["commit", "-q", "--allow-empty", "-m", "a"]),
          ["-C", folder, "tag", "v99.0.0"],
        ]
      ) await new Deno.Command("git", { args }).output();
      expect(await describeRelease(folder))
        .toMatch(/99\.0\.0 is newer\. See .*CONTRIBUTING/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
});
