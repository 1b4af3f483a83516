import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readLedgerKeys } from "../../shared/evidence/ledger-keys.ts";
import type { NewKeys } from "../../shared/tlog/keys.ts";
import { failure, run, spawn } from "../support/command.ts";
import { EVENTS, newId } from "../support/running-stack.ts";
import {
  EvidenceStack,
  makeLogKeys,
  ORIGIN,
  startEvidenceStack,
} from "../support/evidence-stack.ts";
import { behindTriggers, someHash, toBytea } from "../support/tampering.ts";

const seal = (args: string[], env?: Record<string, string>) =>
  run("../scripts/seal.ts", args, env);
const exportEvidence = (args: string[], env?: Record<string, string>) =>
  run("../scripts/export-evidence.ts", args, env);
const makeKey = (...args: string[]) => run("../scripts/ledger-key.ts", args);

let dir: string;
let keys: NewKeys;
let ledger: EvidenceStack;
beforeAll(async () => {
  dir = await Deno.makeTempDir();
  keys = await makeLogKeys();
  ledger = await startEvidenceStack("PostgreSQL 17", {
    LEDGER_SIGNING_KEYS: keys.signerKey,
  });
  await ledger.post("audit", EVENTS.audit);
});
afterAll(async () => {
  await ledger?.stack.stop();
  await Deno.remove(dir, { recursive: true });
});
const url = () => ["--url", ledger.stack.url];

const unfinishedFiles = () =>
  [...Deno.readDirSync(dir)].filter(({ name }) => name.includes("unfinished"));

/** Exports to a new file. */
async function exportFresh(): Promise<string> {
  const path = `${dir}/${newId()}.ndjson`;
  const result = await exportEvidence([...url(), "--out", path]);
  expect(result).toEqual({
    code: 0,
    stdout: `Written to ${path}\n`,
    stderr: "",
  });
  return path;
}

describe("npm run ledger:key", () => {
  test("prints the secret key as its environment variable, and the public key", async () => {
    for (
      const [args, variable, type, purpose] of [
        [[ORIGIN], "LEDGER_SIGNING_KEYS", "signers", "checkpoint"],
        [
          [ORIGIN, "--witness"],
          "WITNESS_SIGNING_KEY",
          "witness",
          "cosignature",
        ],
        [
          ["--witness", ORIGIN],
          "WITNESS_SIGNING_KEY",
          "witness",
          "cosignature",
        ],
      ] as const
    ) {
      const { code, stdout, stderr } = await makeKey(...args);
      expect([code, stderr]).toEqual([0, ""]);
      const lines = stdout.split("\n");
      expect(lines).toEqual([
        "# Secret: set it where the function ledger runs",
        expect.stringMatching(
          new RegExp(`^${variable}=PRIVATE\\+KEY\\+${ORIGIN}\\+`),
        ),
        "",
        `# As the owner of the database, in the SQL editor: permit the key to store its ${purpose}s`,
        expect.stringMatching(
          new RegExp(
            `^insert into ledger\\.signers .*'${purpose}', decode\\('[0-9a-f]{64}', 'hex'\\)`,
          ),
        ),
        "",
        "# Public: give it to verifiers",
        expect.stringMatching(new RegExp(`^${ORIGIN}\\+[0-9a-f]{8}\\+`)),
        "",
      ]);
      const read = await readLedgerKeys((name) =>
        name === variable ? lines[1].slice(variable.length + 1) : undefined
      );
      const signer = type === "witness" ? read.witness : read.signers[0];
      expect(signer?.verifier.id).toBe(lines[7].split("+")[1]);
    }
  });

  test("prints another key each time", async () => {
    expect((await makeKey(ORIGIN)).stdout)
      .not.toBe((await makeKey(ORIGIN)).stdout);
  });

  const BAD_NAME =
    "Cannot use this name: The name must have neither white space nor a plus";
  const MISSING = "The name is missing; pass one, such as example.com/ledger";
  test.each([
    [[], MISSING],
    [["--witness"], MISSING],
    [
      ["a", "b"],
      "More than one name is given; run the command once for each key",
    ],
    [["--name", "a"], "Unknown option '--name'; expected one of --witness"],
    [["a b"], BAD_NAME],
    [["a+b"], BAD_NAME],
    [[""], BAD_NAME],
  ])("with %j reports the expected arguments", async (args, sentence) => {
    expect(await makeKey(...args)).toEqual(failure(sentence));
  });
});

describe("npm run seal", () => {
  const BAD_INTERVAL =
    /^Cannot use --every: expected seconds, from 1 to 86400\n$/;
  const BAD_URL =
    /^Cannot use --url: expected the origin of a project, such as https:.*\n$/;

  test("seals and signs, and prints the response", async () => {
    await ledger.post("model-usage", EVENTS["model-usage"]);
    let answer = { size: 0, checkpoint: "" };
    // A transaction of another test file may delay the leaf.
    await expect.poll(async () => {
      const { code, stdout, stderr } = await seal(url());
      expect([code, stderr]).toEqual([0, ""]);
      answer = JSON.parse(stdout);
      return answer.size;
    }, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(answer.checkpoint)
      .toBe(await (await ledger.ask("checkpoint")).text());
  });

  test("repeats with --every, also after failures of the project", async () => {
    let isUnavailable = false;
    let calls = 0;
    const proxy = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => {
        calls++;
        if (isUnavailable) return new Response("gateway", { status: 502 });
        return fetch(ledger.stack.url + new URL(request.url).pathname, {
          method: "POST",
          headers: { apikey: request.headers.get("apikey")! },
        });
      },
    );
    const until = async (wanted: number) => {
      while (calls < wanted) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const command = spawn("../scripts/seal.ts", [
      "--url",
      `http://127.0.0.1:${proxy.addr.port}`,
      "--every",
      "1",
    ]);
    try {
      await until(2);
      isUnavailable = true;
      await until(3);
      isUnavailable = false;
      await until(5);
    } finally {
      const { stdout, stderr } = await command.end("SIGTERM");
      await proxy.shutdown();
      expect(stdout.trim().split("\n").length).toBeGreaterThanOrEqual(3);
      expect(stderr).toMatch(
        /^(Cannot use http:\/\/127\.0\.0\.1:\d+: \/functions\/v1\/ledger\/seal answered 502\n)+$/,
      );
    }
  });

  test("reports a log that contradicts its last checkpoint", async () => {
    const other = await startEvidenceStack("PostgreSQL 17", {
      LEDGER_SIGNING_KEYS: keys.signerKey,
    });
    const db = other.openDatabase();
    try {
      await other.post("audit", EVENTS.audit);
      await other.sign();
      await behindTriggers(
        db,
        ["ledger.leaves"],
        `update ledger.leaves set hash = ${
          toBytea(someHash())
        } where index = 0`,
      );
      expect(await seal(["--url", other.stack.url])).toEqual(failure(
        `Cannot use ${other.stack.url}: /functions/v1/ledger/seal answered 409: ` +
          "The tree does not begin with that of the last checkpoint: sealed leaves were changed",
      ));
    } finally {
      await db.close();
      await other.stack.stop();
    }
  });

  test.each([
    [["--every", "0"], BAD_INTERVAL],
    [["--every", "often"], BAD_INTERVAL],
    [["--every", "1e9"], BAD_INTERVAL],
    [["--now"], /^Unknown option '--now'; expected one of --url, --every\n$/],
    [["--url", "example.com"], BAD_URL],
    [["--url", "http://127.0.0.1:54321/functions/v1"], BAD_URL],
  ])("with %j reports the expected arguments", async (args, sentence) => {
    expect(await seal(args)).toEqual(failure(sentence));
  });
});

describe.each([
  ["npm run seal", seal],
  [
    "npm run export-evidence",
    (args: string[], env?: Record<string, string>) =>
      exportEvidence([...args, "--out", `${dir}/none.ndjson`], env),
  ],
])("%s", (_, command) => {
  test("reports an unreachable project", async () => {
    expect(await command(["--url", "http://127.0.0.1:9"]))
      .toEqual(
        failure(
          "Cannot reach http://127.0.0.1:9: start the stack with npm start, or correct --url",
        ),
      );
    expect(await command([], { PORT: "9" }))
      .toEqual(
        failure(
          "Cannot reach http://127.0.0.1:9: start the stack with npm start, or correct --url",
        ),
      );
  });

  test.each([
    ["that is unknown", () => "sb_secret_hunter2hunter2hunter2hunter2"],
    ["that is publishable", () => ledger.stack.publishableKey],
  ])("is refused with a key %s, and does not print it", async (_, key) => {
    expect(await command(url(), { SUPABASE_SECRET_KEY: key() })).toEqual(
      failure(
        `Cannot use ${ledger.stack.url}: the key is not a secret key of it; set SUPABASE_SECRET_KEY`,
      ),
    );
  });
});

describe("npm run export-evidence", () => {
  test("writes a bundle that only its owner may read", async () => {
    await ledger.sign();
    const path = await exportFresh();
    expect((await Deno.stat(path)).mode! & 0o777).toBe(0o600);
    expect(unfinishedFiles()).toEqual([]);
  });

  test("keeps an existing file when the export fails", async () => {
    const path = `${dir}/kept.ndjson`;
    await Deno.writeTextFile(path, "kept");
    const unreachable = ["--url", "http://127.0.0.1:9"];
    const result = await exportEvidence([...unreachable, "--out", path]);
    expect(result.code).toBe(1);
    expect(await Deno.readTextFile(path)).toBe("kept");
    expect(unfinishedFiles()).toEqual([]);
    const other = await exportEvidence([...url(), "--out", path]);
    expect(other.code).toBe(0);
    expect(await Deno.readTextFile(path)).toContain('"end"');
  });

  test("reports a log without a checkpoint", async () => {
    const empty = await startEvidenceStack("PGlite");
    try {
      await empty.post("audit", EVENTS.audit);
      expect(
        await exportEvidence(["--url", empty.stack.url, "--out", `${dir}/no`]),
      )
        .toEqual(failure(
          "The log is not signed yet: set LEDGER_SIGNING_KEYS, then run npm run seal",
        ));
    } finally {
      await empty.stack.stop();
    }
  });

  test("reports a missing --out, and a file that it cannot write", async () => {
    expect(await exportEvidence(url()))
      .toEqual(failure("The output file is missing; pass --out <file>"));
    const path = `${dir}/no/such/folder`;
    const args = [...url(), "--out", path];
    const { code, stdout, stderr } = await exportEvidence(args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr)
      .toMatch(/^Cannot write \S+\/no\/such\/folder: No such file .*\n$/);
  });
});
