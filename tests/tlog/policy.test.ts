import { beforeAll, describe, expect, test } from "vitest";
import { isQuorum, parsePolicy } from "../../shared/tlog/policy.ts";
import { makeSigner, readPolicy } from "../support/tlog-parsers.ts";

/** Keys of a log and of witnesses, by name. */
const keys: Record<string, string> = {};

/** Puts keys in where their names are in angle brackets. */
const fill = (text: string) =>
  text.replace(/<(\w+)>/g, (_, name: string) => keys[name]);

beforeAll(async () => {
  for (const name of ["log", "other"]) {
    keys[name] = (await makeSigner(`example.com/${name}`, "note")).vkey;
  }
  for (const name of ["X1", "X2", "X3", "Y1", "Y2", "Y3"]) {
    keys[name] =
      (await makeSigner(`witness.example/${name}`, "cosignature")).vkey;
  }
});

/** The example of C2SP tlog-policy. */
const EXAMPLE = `log <log>

witness X1 <X1>
witness X2 <X2>
witness X3 <X3>
group X-witnesses 2 X1 X2 X3

witness Y1 <Y1>
witness Y2 <Y2>
witness Y3 <Y3>
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;

describe("the example of C2SP tlog-policy", () => {
  test("needs two witnesses of one group and one of the other", () => {
    const policy = readPolicy(fill(EXAMPLE));
    const names = policy.witnesses.map(({ name }) => name);
    expect(names).toEqual(["X1", "X2", "X3", "Y1", "Y2", "Y3"]);
    for (let set = 0; set < 2 ** names.length; set++) {
      const cosigned = names.filter((_, at) => set & 1 << at);
      const of = (letter: string) =>
        cosigned.filter((name) => name.startsWith(letter)).length;
      expect(isQuorum(policy, cosigned)).toBe(of("X") >= 2 && of("Y") >= 1);
    }
  });

  test("ignores names of unknown witnesses", () => {
    const policy = readPolicy(fill(EXAMPLE));
    expect(isQuorum(policy, ["X1", "Y1", "Z1", "Z2"])).toBe(false);
  });
});

describe("a policy", () => {
  test("has a quorum of one witness, or none", () => {
    const one = readPolicy(fill("witness X1 <X1>\nquorum X1\n"));
    expect(isQuorum(one, [])).toBe(false);
    expect(isQuorum(one, ["X1"])).toBe(true);
    const none = readPolicy("quorum none\n");
    expect(none).toEqual({ logs: [], witnesses: [], groups: [], quorum: null });
    expect(isQuorum(none, [])).toBe(true);
  });

  test("accepts comments, tabs, blank lines, URLs and names of any script", () => {
    const policy = readPolicy(
      fill(
        " # two\n\t\n\tlog\t<log> \thttps://example.com/log\nwitness Ζεύς <X1> https://w\nquorum Ζεύς\n#",
      ) + "\n",
    );
    expect(policy.logs[0].url).toBe("https://example.com/log");
    expect(policy.witnesses[0]).toMatchObject({
      name: "Ζεύς",
      url: "https://w",
    });
    expect(policy.logs[0].key.name).toBe("example.com/log");
  });

  test("distinguishes Latin K from the Kelvin sign", () => {
    const text = "witness K <X1>\nwitness \u212a <X2>\nquorum \u212a\n";
    const policy = readPolicy(fill(text));
    expect(isQuorum(policy, ["K"])).toBe(false);
    expect(isQuorum(policy, ["\u212a"])).toBe(true);
  });

  test("accepts 32 logs, witnesses and groups", async () => {
    const lines: string[] = [];
    const all = await Promise.all(
      Array.from({ length: 32 }, async (_, at) => [
        `log ${(await makeSigner(`l${at}`, "note")).vkey}`,
        `witness w${at} ${(await makeSigner(`w${at}`, "cosignature")).vkey}`,
        `group g${at} all w${at}`,
      ]),
    );
    lines.push(...all.flat(), "quorum g31", "");
    const policy = readPolicy(lines.join("\n"));
    expect(policy.logs).toHaveLength(32);
    expect(isQuorum(policy, ["w31"])).toBe(true);
    expect(isQuorum(policy, ["w30"])).toBe(false);
  });
});

describe("parsePolicy()", () => {
  test.each([
    ["has no quorum", "log <log>\n"],
    ["has two quorums", "quorum none\nquorum none\n"],
    ["wants a quorum of two names", "witness X1 <X1>\nquorum X1 X1\n"],
    ["wants an unknown quorum", "witness X1 <X1>\nquorum X2\n"],
    ["wants a quorum that comes later", "quorum X1\nwitness X1 <X1>\n"],
    ["has no quorum to want", "quorum\n"],
    ["has an unknown keyword", "logs <log>\nquorum none\n"],
    ["has a log without a key", "log\nquorum none\n"],
    ["has a log with too much", "log <log> https://x y\nquorum none\n"],
    ["has a log with a witness's key", "log <X1>\nquorum none\n"],
    ["has a log twice", "log <log>\nlog <log>\nquorum none\n"],
    ["has a witness without a key", "witness X1\nquorum none\n"],
    ["has a witness with a log's key", "witness X1 <log>\nquorum none\n"],
    ["has a witness twice", "witness X1 <X1>\nwitness X2 <X1>\nquorum none\n"],
    ["has a name twice", "witness X1 <X1>\nwitness X1 <X2>\nquorum none\n"],
    ["has a witness that is none", "witness none <X1>\nquorum none\n"],
    ["has a group without members", "witness X1 <X1>\ngroup g all\nquorum g\n"],
    [
      "has a group that wants none",
      "witness X1 <X1>\ngroup g 0 X1\nquorum g\n",
    ],
    [
      "has a group that wants more",
      "witness X1 <X1>\ngroup g 2 X1\nquorum g\n",
    ],
    [
      "has a group that wants a word",
      "witness X1 <X1>\ngroup g some X1\nquorum g\n",
    ],
    ["has a group that wants 01", "witness X1 <X1>\ngroup g 01 X1\nquorum g\n"],
    [
      "has a group of unknown members",
      "witness X1 <X1>\ngroup g any X1 X2\nquorum g\n",
    ],
    ["has a group of itself", "witness X1 <X1>\ngroup g any X1 g\nquorum g\n"],
    ["has none in a group", "witness X1 <X1>\ngroup g any X1 none\nquorum g\n"],
    [
      "has a member twice in a group",
      "witness X1 <X1>\ngroup g 2 X1 X1\nquorum g\n",
    ],
    [
      "has a member in two groups",
      "witness X1 <X1>\ngroup g any X1\ngroup h any X1\nquorum h\n",
    ],
    [
      "has a group named like a witness",
      "witness X1 <X1>\ngroup X1 any X1\nquorum X1\n",
    ],
    ["has no newline at its end", "quorum none"],
    ["has carriage returns", "quorum none\r\n"],
    ["has a NUL", "# \0\nquorum none\n"],
    ["has a DEL", "# \x7f\nquorum none\n"],
    ["is empty", ""],
    ["has other white space", "quorum\u00a0none\n"],
  ])("rejects a policy that %s", (_, text) => {
    expect(parsePolicy(fill(text))).toHaveProperty("fault");
  });

  test("names the malformed line", () => {
    expect(parsePolicy("# one\n\nquorum X1\n")).toEqual({
      fault: "line 3 names a witness or group that is not defined above",
    });
  });

  test("never repeats a key", () => {
    const parsed = parsePolicy(
      "log example.com/foo+00000000+c2VjcmV0\nquorum none\n",
    );
    expect(JSON.stringify(parsed)).not.toContain("c2VjcmV0");
  });
});
