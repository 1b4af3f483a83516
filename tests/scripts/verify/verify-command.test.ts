import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createKeys } from "../../../shared/tlog/keys.ts";
import { EVENTS, newId } from "../../support/running-stack.ts";
import { type CommandResult, failure } from "../../support/command.ts";
import {
  damage,
  makeLogKeys,
  useEvidenceStack,
  withEvidenceStack,
} from "../../support/evidence-stack.ts";
import {
  behindTriggers,
  rewriteRow,
  someHash,
  toBytea,
} from "../../support/tampering.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;

/** Runs `verify` with no more than these permissions. */
async function verify(
  args: string[],
  permissions = ["--allow-read"],
): Promise<CommandResult> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...permissions, "scripts/verify.ts", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

const ledger = useEvidenceStack("PostgreSQL 17");
const signingEnv = () => ({ LEDGER_SIGNING_KEYS: ledger.keys.signerKey });
const id = newId();
let dir: string;
beforeAll(async () => {
  dir = await Deno.makeTempDir();
  await ledger.post("llm-usage", { ...EVENTS["llm-usage"], id });
  await ledger.post("audit", EVENTS.audit);
});
afterAll(() => Deno.remove(dir, { recursive: true }));

/** The beginning of a body, and then an error. */
async function* loseConnection() {
  yield new TextEncoder().encode("example.com/ledger\n");
  await new Promise((resolve) => setTimeout(resolve, 50));
  throw new Error("The connection is lost on purpose");
}

describe("npm run verify", () => {
  let bundle: string;
  let lines: string[];
  beforeAll(async () => {
    await ledger.sign();
    bundle = await write((await ledger.collect()).join("\n"));
    lines = (await Deno.readTextFile(bundle)).split("\n");
  });
  const withKey = (
    ...args: string[]
  ) => [...args, "--key", ledger.keys.verifierKey];

  /** The bundle with other lines. */
  async function write(content: string | Uint8Array): Promise<string> {
    const path = `${dir}/${newId()}.ndjson`;
    if (typeof content === "string") await Deno.writeTextFile(path, content);
    else await Deno.writeFile(path, content);
    return path;
  }

  const OK =
    /^lines \d+, checkpoints \d+, leaves \d+, rows 2, .*rowsCompared 2, .*\nNot checked:\n(- .*\n)+OK\n$/;

  test("of a bundle needs read permission only", async () => {
    for (
      const permissions of [
        [`--allow-read=${dir}`],
        [
          "--allow-read",
          "--deny-net",
          "--deny-env",
          "--deny-write",
          "--deny-run",
          "--deny-sys",
          "--deny-ffi",
        ],
      ]
    ) {
      expect(await verify(withKey(bundle), permissions)).toEqual({
        code: 0,
        stdout: expect.stringMatching(OK),
        stderr: "",
      });
    }
  });

  test("of a bundle works without a running project", async () => {
    let path = "";
    await withEvidenceStack("PGlite", signingEnv(), async (other) => {
      await other.post("audit", EVENTS.audit);
      await other.sign();
      path = await write((await other.collect()).join("\n"));
    });
    expect((await verify(withKey(path))).code).toBe(0);
  });

  test("names a changed row, and exits with 1", async () => {
    const db = ledger.openDatabase();
    try {
      await rewriteRow(db, "llm_usage_log", id, "cost_usd = cost_usd / 2");
      const changed = await write((await ledger.collect()).join("\n"));
      const { code, stdout, stderr } = await verify(withKey(changed));
      expect([code, stderr]).toEqual([1, ""]);
      const [finding, summary, list, ...rest] = stdout.split("\n");
      expect(finding).toMatch(
        new RegExp(
          `^row_differs: The row ${id} of llm_usage_log \\(leaf \\d+\\) differs from the recorded one: it does not hash to its leaf$`,
        ),
      );
      expect(summary).toMatch(/^lines /);
      expect(list).toBe("Not checked:");
      expect(rest.slice(-2)).toEqual(["NOT OK: 1 finding", ""]);
    } finally {
      await rewriteRow(db, "llm_usage_log", id, "cost_usd = cost_usd * 2");
      await db.close();
    }
  });

  test("prints fifty findings and counts the others", async () => {
    const rows = Array.from({ length: 60 }, (_, n) =>
      JSON.stringify({
        row: {
          log: "audit_log",
          id: `99999999-0000-4000-8000-${String(n).padStart(12, "0")}`,
        },
      }));
    const end = lines.findIndex((line) => line.startsWith('{"end"'));
    const count = JSON.parse(lines[end]).end.lines + 60;
    const path = await write([
      ...lines.slice(0, end),
      ...rows,
      JSON.stringify({ end: { lines: count } }),
    ].join("\n"));
    const { code, stdout } = await verify(withKey(path));
    expect(code).toBe(1);
    const printed = stdout.trimEnd().split("\n");
    expect(printed[50]).toBe("… and 10 more");
    expect(printed[51]).toMatch(/^lines /);
    expect(printed.at(-1)).toBe("NOT OK: 60 findings");
  });

  test("reports a bundle that is cut off anywhere", async () => {
    const whole = lines.filter((line) => line !== "");
    for (let count = 1; count < whole.length; count++) {
      const { code, stdout } = await verify(
        withKey(await write(whole.slice(0, count).join("\n"))),
      );
      expect(code).toBe(1);
      expect(stdout).toContain(
        "cut_off: The bundle does not end with its line count: it is truncated",
      );
    }
    const middle = await write(lines.join("\n").slice(0, -30));
    expect((await verify(withKey(middle))).stdout).toContain("cut_off: ");
  }, 60_000);

  test("reports another key, a witness's key and a malformed key", async () => {
    const stranger = await makeLogKeys();
    const other = await verify([bundle, "--key", stranger.verifierKey]);
    expect(other.code).toBe(1);
    expect(other.stdout).toMatch(
      /^checkpoint_untrusted: A checkpoint is not signed by a known key\n/,
    );
    expect(other.stdout).toContain("checkpoint_missing: ");

    const witness = await createKeys("example.org/witness", "cosignature");
    expect(await verify([bundle, "--key", witness.verifierKey])).toEqual(
      failure(
        "A --key belongs to a witness; name witnesses in a --policy",
        2,
      ),
    );
    expect(await verify([bundle, "--key", damage(ledger.keys.verifierKey)]))
      .toEqual(
        failure(
          "A --key has an id that does not match its name and public key; pass the verifier key as npm run ledger:key printed it",
          2,
        ),
      );
    expect(await verify([bundle, "--key", ledger.keys.signerKey])).toEqual(
      failure(
        /^A --key is a secret key; /,
        2,
      ),
    );
  });

  test("accepts several keys, or a policy", async () => {
    const other = await makeLogKeys();
    expect(
      (await verify([...withKey(bundle), "--key", other.verifierKey])).code,
    ).toBe(0);
    const policy = await write(`log ${ledger.keys.verifierKey}\nquorum none\n`);
    expect((await verify([bundle, "--policy", policy])).code).toBe(0);
    const { verifierKey } = await createKeys(
      "example.org/witness",
      "cosignature",
    );
    const strict = await write(
      `log ${ledger.keys.verifierKey}\nwitness w ${verifierKey}\nquorum w\n`,
    );
    const { code, stdout } = await verify([bundle, "--policy", strict]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^quorum_missing: /);
  });

  test("compares with held checkpoints", async () => {
    const held = await write(await (await ledger.ask("checkpoint")).text());
    expect((await verify([...withKey(bundle), "--held", held])).code).toBe(0);
    await ledger.post("audit", EVENTS.audit);
    const newer = await write(await ledger.sign());
    const { code, stdout } = await verify([
      ...withKey(bundle),
      "--held",
      held,
      "--held",
      newer,
    ]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^leaves_missing: /);
  });

  test("exits with 2 and the reason when it cannot verify", async () => {
    for (
      const [args, sentence] of [
        [withKey(), /^The evidence is missing; /],
        [
          withKey(bundle, bundle),
          /^More than one piece of evidence is named; /,
        ],
        [[bundle], /^The trusted key is missing; /],
        [
          [...withKey(bundle), "--policy", bundle],
          /^Both --key and --policy are given; /,
        ],
        [
          [bundle, "--trust"],
          /^Unknown option '--trust'.*; expected one of --key, --policy, --held, --receipt, --help\n$/,
        ],
        [
          withKey(`${dir}/nothing`),
          `Cannot read ${dir}/nothing: the file does not exist; check the path`,
        ],
        [
          withKey(dir),
          `Cannot read ${dir}: it is a folder; name a file in it`,
        ],
        [
          withKey(await write(new Uint8Array([0x7b, 0xff]))),
          /^Cannot read \S+: it is not UTF-8 text; name the unchanged file of the log, decompressed\n$/,
        ],
        [
          [...withKey(bundle), "--held", `${dir}/nothing`],
          /^Cannot read \S+\/nothing: /,
        ],
        [
          [bundle, "--policy", `${dir}/nothing`],
          /^Cannot read \S+\/nothing: /,
        ],
        [[bundle, "--policy", bundle], /^The policy /],
      ] as [string[], string | RegExp][]
    ) {
      expect(await verify(args), args.join(" ")).toEqual(failure(sentence, 2));
    }
  });

  test("reports a file that is not a bundle", async () => {
    for (const content of ["", "\n", "hello", '{"format":"other/v1"}', "[]"]) {
      expect(await verify(withKey(await write(content)))).toEqual(failure(
        /^\S+ is neither a bundle nor a proof nor a checkpoint, /,
        2,
      ));
    }
    const later = await write('{"format":"ledger-evidence/v9","origin":"x"}');
    expect(await verify(withKey(later))).toEqual(failure(
      `${later} is a bundle of another version than ledger-evidence/v1; use the verifier of the version that wrote it`,
      2,
    ));
  });

  describe("of a URL", () => {
    const online = ["--allow-read", "--allow-net"];

    test("verifies the public tree, and held checkpoints", async () => {
      const events = Array.from({ length: 300 }, () => EVENTS["model-usage"]);
      const before = await write(await ledger.sign());
      await ledger.post("model-usage", events);
      await ledger.sign();
      expect(
        await verify([...withKey(ledger.stack.url), "--held", before], online),
      ).toEqual({
        code: 0,
        stdout: expect.stringMatching(
          /^\d{3} leaves of "example\.com\/ledger"\nNot checked:\n(- .*\n)+OK\n$/,
        ),
        stderr: "",
      });
    });

    test("names the unreachable URL", async () => {
      expect(await verify(withKey("http://127.0.0.1:9"), online)).toEqual(
        failure(
          "Cannot reach http://127.0.0.1:9/functions/v1/ledger/checkpoint: the connection failed; check the address and the network",
          2,
        ),
      );
    });

    test("reports that nothing is signed", async () => {
      await withEvidenceStack("PGlite", {}, async (empty) => {
        expect(await verify(withKey(empty.stack.url), online)).toEqual(failure(
          `${empty.stack.url}/functions/v1/ledger/checkpoint answered 404: the log is not signed yet, or the project has no function ledger; check the address`,
          2,
        ));
      });
    });

    test("reports an untrusted key, and a changed tree", async () => {
      const stranger = await makeLogKeys();
      const other = await verify([
        ledger.stack.url,
        "--key",
        stranger.verifierKey,
      ], online);
      const [, id] = stranger.verifierKey.split("+");
      expect([other.code, other.stdout]).toEqual([
        1,
        `The checkpoint is not signed by a known key; trusted is example.com/ledger+${id}: after a rotation of keys, repeat --key for each key that has signed\nNOT OK: 1 finding\n`,
      ]);
      const db = ledger.openDatabase();
      const hash = toBytea(someHash());
      try {
        await db.exec(
          "create table kept as select index, hash from ledger.leaves where index = 3",
        );
        await behindTriggers(
          db,
          ["ledger.leaves"],
          `update ledger.leaves set hash = ${hash} where index = 3`,
        );
        const { code, stdout } = await verify(
          withKey(ledger.stack.url),
          online,
        );
        expect(code).toBe(1);
        expect(stdout).toContain(
          "The leaves do not have the root of the checkpoint\n",
        );
      } finally {
        await behindTriggers(
          db,
          ["ledger.leaves"],
          "update ledger.leaves l set hash = k.hash from kept k where l.index = k.index; drop table kept",
        );
        await db.close();
      }
      expect((await verify(withKey(ledger.stack.url), online)).code).toBe(0);
    });

    test.each<[string, () => Response, RegExp]>([
      [
        "a redirect",
        () => Response.redirect("http://127.0.0.1:9/internal", 307),
        /^\S+ answered 307; name the address that it redirects to\n$/,
      ],
      [
        "a checkpoint that is too long",
        () => new Response("x".repeat(2_000_000)),
        /^\S+ answered more than 1000000 bytes; check the address\n$/,
      ],
      [
        "a lost connection",
        () => new Response(ReadableStream.from(loseConnection())),
        /^Cannot read \S+: the connection was lost; try again later\n$/,
      ],
    ])("exits with 2 after %s", async (_, answer, sentence) => {
      const options = {
        hostname: "127.0.0.1",
        port: 0,
        onListen: () => {},
        onError: () => new Response(null, { status: 500 }),
      };
      const door = Deno.serve(options, answer);
      try {
        const address = `http://127.0.0.1:${door.addr.port}`;
        expect(await verify(withKey(address), online))
          .toEqual(failure(sentence, 2));
      } finally {
        await door.shutdown();
      }
    });

    test("reports a truncated tile, and an inconsistent held checkpoint", async () => {
      const { checkpoint } = await ledger.sealAll();
      const door = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        (request) => {
          const { pathname } = new URL(request.url);
          return new Response(
            pathname.endsWith("checkpoint") ? checkpoint : "short",
          );
        },
      );
      try {
        const { code, stdout } = await verify(
          withKey(`http://127.0.0.1:${door.addr.port}`),
          online,
        );
        expect(code).toBe(1);
        expect(stdout).toMatch(
          /^A tile is incomplete: tile\/\d\/\S+ must have \d+ hashes of 32 bytes\n/,
        );
      } finally {
        await door.shutdown();
      }
      await withEvidenceStack("PGlite", signingEnv(), async (elsewhere) => {
        await elsewhere.post("audit", EVENTS.audit);
        const held = await write(await elsewhere.sign());
        const { code, stdout } = await verify(
          [...withKey(ledger.stack.url), "--held", held],
          online,
        );
        expect(code).toBe(1);
        expect(stdout).toMatch(
          /^The tree does not begin with that of a held checkpoint of 2 leaves\n/,
        );
      });
    });
  });
});
