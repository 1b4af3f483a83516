import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildKit } from "../../../scripts/verify-kit.ts";
import { layouts } from "../../../shared/evidence/leaf.ts";
import { signCheckpoint } from "../../../shared/tlog/checkpoint.ts";
import { createKeys } from "../../../shared/tlog/keys.ts";
import {
  formatTlogProof,
  type TlogProof,
} from "../../../shared/tlog/tlog-proof.ts";
import {
  EVENTS,
  newId,
  type Slug,
  SLUGS,
  TABLES,
} from "../../support/running-stack.ts";
import { type CommandResult, failure, run } from "../../support/command.ts";
import {
  damage,
  makeLogKeys,
  useEvidenceStack,
} from "../../support/evidence-stack.ts";
import { someHash } from "../../support/tampering.ts";
import { readProof, readSigner } from "../../support/tlog-parsers.ts";
import { FULL_EVENTS } from "../../support/receipts.ts";

/** The kit alone, in a folder of its own. */
let home: string;
/** Where the evidence is. */
let dir: string;
const ledger = useEvidenceStack("PGlite");
/** The answers to an event of every log, with their receipts. */
const answers = {} as Record<Slug, Record<string, unknown>>;
/** The checkpoint before and after the last events. */
let checkpoints: { earlier: string; newest: string };

beforeAll(async () => {
  home = await Deno.makeTempDir();
  dir = await Deno.makeTempDir();
  await Deno.writeTextFile(`${home}/verify.js`, await buildKit());
  for (const slug of SLUGS) answers[slug] = await record(slug);
  const earlier = await ledger.sign();
  await ledger.post("audit", EVENTS.audit);
  checkpoints = { earlier, newest: await ledger.sign() };
}, 60_000);
afterAll(async () => {
  for (const folder of [home, dir]) {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Runs the kit, which may read files and nothing else. */
async function verify(
  args: string[],
  { stdin, program = deno("--allow-read") }: {
    stdin?: string;
    program?: string[];
  } = {},
): Promise<CommandResult> {
  const [command, ...first] = program;
  const child = new Deno.Command(command, {
    args: [...first, `${home}/verify.js`, ...args],
    cwd: dir,
    // An empty cache: nothing can come from a registry or from the project.
    clearEnv: true,
    env: { DENO_DIR: `${dir}/deno`, NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  if (stdin !== undefined) {
    await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
  }
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

function deno(...permissions: string[]): string[] {
  return [
    Deno.execPath(),
    "run",
    "--no-prompt",
    "--no-remote",
    "--no-npm",
    "--no-config",
    ...permissions,
  ];
}

const withKey = (
  ...args: string[]
) => [...args, "--key", ledger.keys.verifierKey];

async function record(slug: Slug, event = FULL_EVENTS[slug]) {
  const { status, body } = await ledger.post(
    slug,
    { ...event, id: newId() },
    { headers: { prefer: "return=receipt" } },
  );
  expect(status).toBe(201);
  return body;
}

async function write(content: unknown): Promise<string> {
  const path = `${dir}/${newId()}`;
  const text = typeof content === "string" ? content : JSON.stringify(content);
  await Deno.writeTextFile(path, text);
  return path;
}

async function fetchProof(slug: Slug, id: unknown): Promise<string> {
  const response = await ledger.ask(`proof/${slug}/${id}`, {
    headers: { apikey: ledger.stack.secretKey },
  });
  expect(response.status).toBe(200);
  return await response.text();
}

function change(content: string, changes: Partial<TlogProof>): string {
  return formatTlogProof({ ...readProof(content), ...changes });
}

/** A leaf and its row, changed. */
function rewrite(content: string, from: string | RegExp, to: string): string {
  const data = new TextDecoder().decode(readProof(content).extra);
  expect(data).toMatch(from);
  const extra = new TextEncoder().encode(data.replace(from, to));
  return change(content, { extra });
}

function holds(stdout: string | RegExp): CommandResult {
  return {
    code: 0,
    stdout: typeof stdout === "string"
      ? expect.stringContaining(stdout)
      : expect.stringMatching(stdout),
    stderr: "",
  };
}

function refused(...findings: (string | RegExp)[]) {
  const shown = findings.map((finding) =>
    typeof finding === "string"
      ? finding.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")
      : finding.source
  );
  const count = `${findings.length} finding${findings.length === 1 ? "" : "s"}`;
  return {
    code: 1,
    stdout: expect.stringMatching(
      new RegExp(`^${shown.join("\\n")}\\n(.*\\n)*NOT OK: ${count}\\n$`),
    ),
    stderr: "",
  };
}

describe("the kit", () => {
  test("is reproducible, names version and licences, and needs built-in modules only", async () => {
    const code = await Deno.readTextFile(`${home}/verify.js`);
    expect(await buildKit()).toBe(code);
    const { version, license } = JSON.parse(
      await Deno.readTextFile(
        new URL("../../../package.json", import.meta.url),
      ),
    );
    expect(code).toMatch(
      new RegExp(
        `^// ledger-functions ${version}: .* Licence: ${license}\\.\n`,
      ),
    );
    expect(code).toContain("// Copyright (c) 2022 Paul Miller");
    expect(code).toContain("the Deno authors. MIT license.");
    expect(code).not.toContain(new URL("../../..", import.meta.url).pathname);
    expect(code).not.toMatch(/^\/\/ \.\.?\//m);
    const imported = [...code.matchAll(/^(?:import|export) .*"(.+)";$/gm)]
      .map(([, name]) => name);
    expect(code).not.toMatch(/^[^*\n]*\bimport\(/m);
    expect(imported.filter((name) => !name.startsWith("node:"))).toEqual([]);
    // The stack is not part of it.
    expect(code).toMatch(/^\/\/ shared\//m);
    expect(code).not.toMatch(/^\/\/ local\//m);
    // Small enough to be read: validation of events stays out of it.
    expect(code.length).toBeLessThan(150_000);
    expect(code).not.toContain("zod");
  });

  test("is the same from another folder, with its packages by a symbolic link", async () => {
    const project = new URL("../../..", import.meta.url).pathname;
    const copy = `${dir}/a/copy`;
    await Deno.mkdir(copy, { recursive: true });
    for (
      const name of ["scripts", "shared", "local", "package.json", "deno.json"]
    ) {
      const args = ["-R", `${project}${name}`, `${copy}/${name}`];
      expect((await new Deno.Command("cp", { args }).output()).code).toBe(0);
    }
    await Deno.symlink(`${project}node_modules`, `${copy}/node_modules`);
    await Deno.symlink(`${dir}/a`, `${dir}/b`);
    for (const folder of ["a/copy", "b/copy"]) {
      const args = ["run", "-A", "scripts/verify-kit.ts", "--out", "verify.js"];
      const cwd = `${dir}/${folder}`;
      const { code } = await new Deno.Command(Deno.execPath(), { args, cwd })
        .output();
      expect(code).toBe(0);
      expect(await Deno.readTextFile(`${cwd}/verify.js`))
        .toBe(await Deno.readTextFile(`${home}/verify.js`));
    }
  });

  test("is written by npm run verify:kit, with its digest printed", async () => {
    const out = `${dir}/new/folder/verify.js`;
    const { code, stdout, stderr } = await run("../scripts/verify-kit.ts", [
      "--out",
      out,
    ]);
    expect([code, stderr]).toEqual([0, ""]);
    const bytes = await Deno.readFile(out);
    expect(bytes).toEqual(await Deno.readFile(`${home}/verify.js`));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    expect(stdout).toBe(
      `Written to ${out}: ${bytes.length} bytes\nSHA-256 ${digest.toHex()}\n`,
    );
    expect(await run("../scripts/verify-kit.ts", ["--out", `${out}/x`]))
      .toEqual(failure(/^Cannot write .*; name another file with --out\n$/));
    expect(await run("../scripts/verify-kit.ts", ["--help"])).toEqual(
      holds(/^Usage: npm run verify:kit .*\n(.*\n)*.*--out <file>/),
    );
  });

  test("prints its usage", async () => {
    const { code, stdout, stderr } = await verify(["--help"], {
      program: deno(),
    });
    expect([code, stderr]).toEqual([0, ""]);
    for (const option of ["key", "policy", "held", "receipt", "help"]) {
      expect(stdout).toMatch(new RegExp(`^  --${option} `, "m"));
    }
  });

  test("verifies a bundle with receipts of every log, and reports a changed row", async () => {
    const lines = await ledger.collect();
    const receipts = await Promise.all(
      SLUGS.map((slug) => write(answers[slug])),
    );
    const args = (path: string) =>
      withKey(path, ...receipts.flatMap((path) => ["--receipt", path]));
    const result = await verify(args(await write(lines.join("\n"))));
    expect(result).toEqual(holds(/^lines \d+, .*\n/));
    for (const slug of SLUGS) {
      const { id, receipt } = answers[slug] as {
        id: string;
        receipt: { salts: string[] };
      };
      const { length } = receipt.salts;
      expect(result.stdout).toMatch(
        new RegExp(
          `^The receipt of the row ${id}: leaf \\d+, ${length} of ${length} committed values opened$`,
          "m",
        ),
      );
    }
    const { id } = answers["llm-usage"];
    const changed = lines.map((line) =>
      line.includes(`"id":"${id}"`) ? line.replace("extraction", "chat") : line
    );
    expect(changed).not.toEqual(lines);
    expect(await verify(withKey(await write(changed.join("\n"))))).toEqual(
      refused(
        new RegExp(
          `row_differs: The row ${id} of llm_usage_log \\(leaf \\d+\\) differs from the recorded one: .*`,
        ),
      ),
    );
  });

  test("verifies from standard input", async () => {
    const bundle = (await ledger.collect()).join("\n");
    expect(await verify(withKey("-"), { stdin: bundle, program: deno() }))
      .toEqual(holds(/\nOK\n$/));
    const proof = await fetchProof("audit", answers.audit.id);
    expect(await verify(withKey("-"), { stdin: proof, program: deno() }))
      .toEqual(holds(/\nOK\n$/));
    expect(await verify(withKey("-", "--receipt", "-"), { stdin: proof }))
      .toEqual(failure(
        "Standard input can be read once; name files for the others",
        2,
      ));
  });

  test("verifies a URL with network permission only, receipts included", async () => {
    const { host } = new URL(ledger.stack.url);
    const online = { program: deno("--allow-read", `--allow-net=${host}`) };
    const receipt = await write(answers.audit);
    for (const path of ["", "/", "/functions/v1/ledger/checkpoint"]) {
      expect(
        await verify(
          withKey(`${ledger.stack.url}${path}`, "--receipt", receipt),
          online,
        ),
      ).toEqual(holds(
        /^\d+ leaves of "example\.com\/ledger"\nThe receipt of the row \S+: leaf \d+, 4 of 4 .*\nNot checked:\n(- .*\n)+OK\n$/,
      ));
    }
    expect(await verify(withKey(ledger.stack.url))).toEqual(failure(
      `Cannot reach ${ledger.stack.url}/functions/v1/ledger/checkpoint: Deno lacks the permission; run with --allow-net=${host}`,
      2,
    ));
    const later = await record("audit");
    const { id } = later;
    expect(
      await verify(
        withKey(ledger.stack.url, "--receipt", await write(later)),
        online,
      ),
    ).toEqual(refused(
      new RegExp(
        `The receipt of the row ${id} has a leaf that is not in the tree: .*`,
      ),
    ));
  });
});

describe("the proof of a row", () => {
  test.each(SLUGS)(
    "of %s prints the row, its leaf, the checkpoint and the unchecked parts",
    async (slug) => {
      const { id } = answers[slug];
      const path = await write(await fetchProof(slug, id));
      const { code, stdout, stderr } = await verify(withKey(path));
      expect([code, stderr]).toEqual([0, ""]);
      const lines = stdout.split("\n");
      expect(lines[0]).toMatch(
        new RegExp(
          `^Row ${id} of ${
            TABLES[slug]
          }: leaf \\d+, recorded when it was written \\(row/v1\\)$`,
        ),
      );
      const columns = layouts[TABLES[slug]];
      for (const [at, { name, committed }] of columns.entries()) {
        expect(lines[1 + at]).toMatch(
          committed
            ? new RegExp(`^  ${name} +commitment [0-9a-f]{64}$`)
            : new RegExp(`^  ${name} +\\S`),
        );
      }
      const [checkpoint, signatures, notChecked, ...rest] = lines
        .slice(1 + columns.length);
      expect(checkpoint).toMatch(
        /^Checkpoint of "example\.com\/ledger": \d+ leaves, root \S{44}$/,
      );
      expect(signatures).toBe(
        "Signed by a trusted key of the log, cosigned by no trusted witness",
      );
      expect(notChecked).toBe("Not checked:");
      expect(rest[0]).toBe(
        "- whether the row is still in its table, and unchanged: a bundle shows that",
      );
      expect(rest.at(-2)).toBe("OK");
    },
  );

  test("with its receipt prints committed values", async () => {
    const proof = await write(await fetchProof("audit", answers.audit.id));
    const receipt = await write(answers.audit);
    const result = await verify(withKey(proof, "--receipt", receipt));
    expect(result).toEqual(holds(
      `  user_id      ${answers.audit.user_id} (opened by the receipt)\n`,
    ));
    expect(result.stdout).toContain(
      '  metadata     {"file_count": 3} (opened by the receipt)\n',
    );
    expect(result.stdout).toContain(
      `The receipt of the row ${answers.audit.id}: leaf `,
    );
    expect(result.stdout).not.toContain("commitment ");
  });

  test("is recognised by its content, and its leaf is escaped", async () => {
    const { id } = await record("audit", {
      ...FULL_EVENTS.audit,
      action: "x\u202ey\nOK",
    });
    await ledger.sign();
    const path = await write(await fetchProof("audit", id));
    await Deno.rename(path, `${path}.ndjson`);
    expect(await verify(withKey(`${path}.ndjson`))).toEqual(
      holds('  action       "x\\u{202e}y\\nOK"\n'),
    );
  });

  test("has a finding when any part is changed", async () => {
    const { id } = answers.audit;
    const proof = await fetchProof("audit", id);
    const CHANGED =
      "The proof does not lead from the leaf to the root of its checkpoint: the leaf, the index or a hash was changed; download the proof again";
    const ROW_CHANGED =
      "The proof has a row that does not have the digest of its leaf: it was changed; download the proof again";
    const { index, hashes, checkpoint } = readProof(proof);
    for (
      const [changed, finding] of [
        [rewrite(proof, "create_project", "delete_project"), ROW_CHANGED],
        [rewrite(proof, /\n.*/, ""), ROW_CHANGED],
        [rewrite(proof, /$/, "\n"), ROW_CHANGED],
        [rewrite(proof, String(id), newId()), CHANGED],
        [rewrite(proof, "row/v1", "backfill/v1"), CHANGED],
        [change(proof, { index: index + 1 }), CHANGED],
        [change(proof, { hashes: hashes.slice(1) }), CHANGED],
        [
          change(proof, {
            checkpoint: checkpoint.replace(/\n\d+\n/, "\n1000\n"),
          }),
          "The proof has a checkpoint that has an invalid signature of the key example.com/ledger",
        ],
        [change(proof, { checkpoint: checkpoints.earlier }), CHANGED],
        [
          proof.replace("@v1", "@v9"),
          "The proof does not start with c2sp.org/tlog-proof@v1: it is truncated, was changed or is of another version; download it again",
        ],
        [
          change(proof, { extra: new Uint8Array([0xff]) }),
          "The proof has extra data that is not text: download it again",
        ],
      ]
    ) {
      expect(await verify(withKey(await write(changed))), finding)
        .toEqual(refused(finding));
    }
  });

  test("has a finding wherever it is cut off", async () => {
    const proof = await fetchProof("audit", answers.audit.id);
    const ends = [40, 200, proof.indexOf("\n\n"), proof.length - 100];
    for (const end of [...ends, proof.length - 1]) {
      const path = await write(proof.slice(0, end));
      expect(await verify(withKey(path)), `cut at ${end}`).toEqual(
        refused(/The proof .*download it again/),
      );
    }
  });

  test("has a finding with another key, which names the trusted one", async () => {
    const path = await write(await fetchProof("audit", answers.audit.id));
    const stranger = await makeLogKeys();
    const [, id] = stranger.verifierKey.split("+");
    expect(await verify([path, "--key", stranger.verifierKey])).toEqual(refused(
      `The proof has a checkpoint that is not signed by a known key; trusted is example.com/ledger+${id}: after a rotation of keys, repeat --key for each key that has signed`,
    ));
    expect(
      (await verify([...withKey(path), "--key", stranger.verifierKey])).code,
    ).toBe(0);
    const other = await createKeys("example.com/other", "note");
    expect(await verify([path, "--key", other.verifierKey])).toEqual(refused(
      /The proof has a checkpoint that is not signed by a known key; it is of the log "example\.com\/ledger", and trusted is example\.com\/other\+[0-9a-f]{8}: pass a key of that log/,
    ));
  });

  test("needs the quorum of a policy", async () => {
    const path = await write(await fetchProof("audit", answers.audit.id));
    const witness = await createKeys("example.org/witness", "cosignature");
    const policy = await write(
      `log ${ledger.keys.verifierKey}\nwitness w ${witness.verifierKey}\nquorum w\n`,
    );
    expect(await verify([path, "--policy", policy])).toEqual(refused(
      "The proof has a checkpoint without the quorum of witnesses; download a proof under a checkpoint that they cosigned",
    ));
  });

  test("is compared with held checkpoints of the same size", async () => {
    const path = await write(await fetchProof("audit", answers.audit.id));
    const held = await write(checkpoints.earlier);
    const result = await verify(withKey(path, "--held", held));
    expect(result).toEqual(holds(
      /- whether this tree and that of the held checkpoint of \d+ leaves are consistent: /,
    ));
    const { checkpoint } = readProof(await Deno.readTextFile(path));
    const [, size] = checkpoint.split("\n");
    const fork = await write(
      await signCheckpoint(
        { size: Number(size), root: someHash() },
        await readSigner(ledger.keys.signerKey),
      ),
    );
    expect(await verify(withKey(path, "--held", fork))).toEqual(refused(
      `The log signed different roots for the size ${size}`,
    ));
  });

  test("of a deleted row needs the receipt of the row", async () => {
    const { id } = answers.audit;
    const proof = change(await fetchProof("audit", id), { extra: undefined });
    const path = await write(proof);
    expect(await verify(withKey(path))).toEqual(failure(
      "The proof lacks its leaf, because the row no longer exists; pass the receipt of the row with --receipt",
      2,
    ));
    const receipt = await write(answers.audit);
    const result = await verify(withKey(path, "--receipt", receipt));
    expect(result).toEqual(holds(
      "- why the row no longer exists: a bundle shows that\n",
    ));
    expect(result.stdout).toMatch(new RegExp(`^Row ${id} of audit_log: leaf `));
    // A receipt alone has the hash of the leaf, and not its row.
    const bare = await write({ receipt: answers.audit.receipt });
    expect(await verify(withKey(path, "--receipt", bare))).toEqual(
      holds(/^Leaf \d+\nCheckpoint of /),
    );
    const another = await write(answers["tool-usage"]);
    expect(await verify(withKey(path, "--receipt", another))).toEqual(refused(
      "The proof does not lead from the leaf to the root of its checkpoint: the leaf, the index or a hash was changed; download the proof again",
    ));
  });
});

describe("a receipt", () => {
  let bundle: string;
  beforeAll(async () => {
    bundle = await write((await ledger.collect()).join("\n"));
  });
  const check = async (...receipts: unknown[]) => {
    const paths = await Promise.all(receipts.map(write));
    return await verify(
      withKey(bundle, ...paths.flatMap((path) => ["--receipt", path])),
    );
  };

  test("has a finding when it or its row is changed", async () => {
    const { audit } = answers;
    const subject = `The receipt of the row ${audit.id}`;
    const receipt = audit.receipt as { commitments: string[]; salts: string[] };
    const ROW =
      `receipt_differs: ${subject} comes with a row that does not hash to its leaf: the row or the receipt was changed`;
    for (
      const [changed, ...findings] of [
        [{ ...audit, action: "delete_project" }, ROW],
        [{ ...audit, created_at: "2026-10-05T09:30:00.000001Z" }, ROW],
        [
          { ...audit, id: newId() },
          /receipt_differs: .* has the leaf of another row, .*/,
          /receipt_differs: .* does not hash to its leaf: .*/,
        ],
        [
          { ...audit, user_id: newId() },
          `receipt_differs: ${subject} comes with a user_id that differs from the recorded one`,
        ],
        [
          { ...audit, user_id: null },
          `receipt_differs: ${subject} comes with a user_id that differs from the recorded one`,
        ],
        [
          { ...audit, metadata: { file_count: 4 } },
          `receipt_differs: ${subject} comes with a metadata that differs from the recorded one`,
        ],
        [
          {
            ...audit,
            receipt: {
              ...receipt,
              commitments: receipt.commitments.toReversed(),
            },
          },
          ROW,
        ],
        [
          { ...audit, receipt: { ...receipt, leaf_hash: "0".repeat(64) } },
          /receipt_differs: .* has a leaf that is not in the tree: .*/,
          ROW,
        ],
      ] as [unknown, ...(string | RegExp)[]][]
    ) {
      expect(await check(changed)).toEqual(refused(...findings));
    }
  });

  test("without a salt lists the unopened value", async () => {
    const receipt = answers.audit.receipt as { salts: string[] };
    const salts = [null, ...receipt.salts.slice(1)];
    expect(await check({ ...answers.audit, receipt: { ...receipt, salts } }))
      .toEqual(holds(
        /3 of 4 committed values opened\nNot checked:\n- user_id of \S+: the receipt lacks its salt\n(- .*\n)+OK\n$/,
      ));
  });

  test("of a batch is found by its leaf", async () => {
    const { body } = await ledger.post("model-usage", [
      EVENTS["model-usage"],
      EVENTS["model-usage"],
    ], { headers: { prefer: "return=receipt" } });
    expect(await check(body)).toEqual(refused(
      /receipt_differs: .* has a leaf that is not in the tree: .*/,
      /receipt_differs: .* has a leaf that is not in the tree: .*/,
    ));
    await ledger.sign();
    bundle = await write((await ledger.collect()).join("\n"));
    expect(await check(body, answers.audit)).toEqual(
      holds(/\nThe receipt of the row \S+: leaf \d+\nThe receipt of /),
    );
  });

  test("opens metadata as Postgres prints it", async () => {
    const metadata = {
      bb: 1,
      a: 'é \u0001 " \\ \u2028 😀',
      "é": -20,
      aaa: { z: [], y: [1, "x", null, true, {}], "": 9007199254740991 },
    };
    const answer = await record("model-usage", {
      ...EVENTS["model-usage"],
      metadata,
    });
    // A fraction may be shown otherwise than it was recorded.
    const inexact = await record("model-usage", {
      ...EVENTS["model-usage"],
      metadata: { a: 1e21, b: 2 },
    });
    await ledger.sign();
    bundle = await write((await ledger.collect()).join("\n"));
    expect(await check(answer)).toEqual(
      holds(
        /leaf \d+, 1 of 1 committed values opened\nNot checked:\n- changes /,
      ),
    );
    expect(await check(inexact)).toEqual(holds(
      /leaf \d+, 0 of 1 committed values opened\nNot checked:\n- metadata of \S+: an answer may change the form of its numbers; a bundle has the recorded form\n(- .*\n)+OK\n$/,
    ));
  });

  test("has a finding before a checkpoint covers it", async () => {
    const answer = await record("audit");
    bundle = await write((await ledger.collect()).join("\n"));
    expect(await check(answer)).toEqual(refused(
      /receipt_differs: .* has a leaf that no checkpoint covers yet: seal, and export the evidence again/,
    ));
  });

  test("has a finding beside the proof of another row", async () => {
    const proof = await write(
      await fetchProof("tool-usage", answers["tool-usage"].id),
    );
    const receipt = await write(answers.audit);
    expect(await verify(withKey(proof, "--receipt", receipt))).toEqual(refused(
      `The receipt of the row ${answers.audit.id} is of another row than the proof: download the proof of its row`,
    ));
  });

  test("has each key once", async () => {
    const text = JSON.stringify({ ...answers.audit, metadata: { a: ":" } });
    for (const repeated of ['"action":"other",', '"\\u0061ction":"other",']) {
      const path = await write(text.replace("{", `{${repeated}`));
      expect(await verify(withKey(bundle, "--receipt", path)))
        .toEqual(failure(/^\S+ does not contain a receipt; /, 2));
    }
    expect(await verify(withKey(bundle, "--receipt", await write(text))))
      .toEqual(refused(/receipt_differs: .* comes with a metadata that .*/));
  });

  test("has a finding beside a proof whose leaf has another id", async () => {
    const { id, receipt } = answers.audit;
    const proof = await write(await fetchProof("audit", id));
    const other = newId();
    const result = { id: other, outcome: "recorded", receipt };
    const path = await write({ results: [result] });
    expect(await verify(withKey(proof, "--receipt", path))).toEqual(refused(
      `The receipt of the row ${other} has the leaf of another row, ${id}`,
    ));
  });

  test("is not verified alone", async () => {
    const path = await write(answers.audit);
    expect(await verify(withKey(path))).toEqual(failure(
      `${path} is a receipt, which has no signature; pass it with --receipt beside a bundle, the proof of its row or the project's URL`,
      2,
    ));
    const { receipt, ...row } = answers.audit;
    for (const content of [row, "", "[]", "{", checkpoints.newest]) {
      expect(await check(content)).toEqual(failure(
        /^\S+ does not contain a receipt; pass the JSON answer to a POST with Prefer: return=receipt\n$/,
        2,
      ));
    }
    for (
      const part of [
        { salts: undefined },
        { leaf_hash: "abc" },
        { kind: "row/v9" },
        { commitments: ["x"] },
      ]
    ) {
      expect(await check({ receipt: { ...receipt as object, ...part } }))
        .toEqual(failure(
          /^\S+ contains a truncated or changed receipt; post the same event with the same id again to get a new copy\n$/,
          2,
        ));
    }
  });
});

describe("a checkpoint", () => {
  test("prints its size, and verifies a consistency proof", async () => {
    const { earlier } = checkpoints;
    const newest = await (await ledger.ask("checkpoint")).text();
    const path = await write(newest);
    const held = await write(earlier);
    expect(await verify(withKey(path))).toEqual(
      holds(
        /^Checkpoint of "example\.com\/ledger": \d+ leaves, root .*\nSigned/,
      ),
    );
    const from = Number(earlier.split("\n")[1]);
    const answer = await ledger.ask(`consistency?from=${from}`);
    const proof = await answer.json();
    const grown = await write(proof);
    expect(await verify(withKey(grown, "--held", held))).toEqual(holds(
      `\nBegins with the tree of the held checkpoint of ${from} leaves\n`,
    ));
    expect(await verify(withKey(grown))).toEqual(failure(
      `The consistency proof leads from a tree of ${from} leaves, whose checkpoint is missing; pass it with --held`,
      2,
    ));
    expect(
      await verify(withKey(
        await write({ ...proof, hashes: proof.hashes.slice(1) }),
        "--held",
        held,
      )),
    ).toEqual(refused(
      /The tree of \d+ leaves is not proved to begin with that of the held checkpoint of \d+ leaves: .*/,
    ));
    expect(
      await verify(withKey(
        await write({ ...proof, to: proof.to + 1 }),
        "--held",
        held,
      )),
    ).toEqual(refused(/The consistency proof claims .*/));
    const receipt = await write(answers.audit);
    expect(await verify(withKey(path, "--receipt", receipt))).toEqual(failure(
      /^A checkpoint does not contain leaves to compare a receipt with; .*\n$/,
      2,
    ));
  });

  test("has a finding when it is changed", async () => {
    const path = await write(checkpoints.newest.replace(/\n\d+\n/, "\n7000\n"));
    expect(await verify(withKey(path))).toEqual(refused(
      "The checkpoint has an invalid signature of the key example.com/ledger",
    ));
  });
});

test("invalid input is reported in one sentence", async () => {
  const proof = await write(await fetchProof("audit", answers.audit.id));
  const witness = await createKeys("example.org/witness", "cosignature");
  for (
    const [args, sentence] of [
      [
        withKey(),
        "The evidence is missing; name a bundle, a proof, a checkpoint or a project's URL (--help has examples)",
      ],
      [
        withKey(proof, proof),
        "More than one piece of evidence is named; verify them one at a time, and pass receipts with --receipt and kept checkpoints with --held",
      ],
      [
        [proof],
        "The trusted key is missing; pass the log's verifier key with --key, or a file with --policy",
      ],
      [
        withKey(proof, "--policy", proof),
        "Both --key and --policy are given; pass only the policy, with the keys in it",
      ],
      [
        [proof, "--key", ledger.keys.signerKey],
        "A --key is a secret key; pass the verifier key that npm run ledger:key printed below it",
      ],
      [
        [proof, "--key", witness.verifierKey],
        "A --key belongs to a witness; name witnesses in a --policy",
      ],
      [
        [proof, "--key", damage(ledger.keys.verifierKey)],
        "A --key has an id that does not match its name and public key; pass the verifier key as npm run ledger:key printed it",
      ],
      [
        [proof, "--key", "key.txt"],
        "A --key is not <name>+<id>+<base64> of an Ed25519 public key; pass the verifier key as npm run ledger:key printed it",
      ],
      [
        withKey(`${dir}/nothing`),
        `Cannot read ${dir}/nothing: the file does not exist; check the path`,
      ],
      [
        withKey(dir),
        `Cannot read ${dir}: it is a folder; name a file in it`,
      ],
      ...await Promise.all(["", "\n", "hello", "{}", "[]", "null"].map(
        async (content) => [
          withKey(await write(content)),
          /^\S+ is neither a bundle nor a proof nor a checkpoint, or its beginning is truncated; name an unchanged file .*\n$/,
        ],
      )),
    ] as [string[], string | RegExp][]
  ) {
    expect(await verify(args), args.join(" ")).toEqual(failure(sentence, 2));
  }
  expect(
    await verify(withKey(proof), { program: deno() }),
  ).toEqual(failure(
    `Cannot read ${proof}: Deno lacks the permission; run with --allow-read`,
    2,
  ));
  expect(
    (await verify([...withKey(proof), "--key", ledger.keys.verifierKey])).code,
  ).toBe(0);
});

describe("docs/verifying.md", () => {
  const page = Deno.readTextFileSync(
    new URL("../../../docs/verifying.md", import.meta.url),
  );
  const EXAMPLES = [
    ...page.matchAll(
      /```sh\ndeno run --allow-read verify\.js (.*)\n```\n\n```text\n([^`]*)```/g,
    ),
  ].map(([, command, shown]) => ({ command, shown }));

  beforeAll(async () => {
    await ledger.sign();
    const answer = await ledger.post("audit", {
      id: "73000000-0000-4000-8000-000000000001",
      firm_id: "10000000-0000-4000-8000-000000000001",
      user_id: "20000000-0000-4000-8000-000000000001",
      action: "export_report",
      entity_type: "cma_project",
      metadata: { pages: 12 },
      created_at: "2026-10-07T08:00:00Z",
    }, { headers: { prefer: "return=receipt" } });
    expect(answer.status).toBe(201);
    const kept = await ledger.sign();
    await ledger.post("audit", EVENTS.audit);
    await ledger.sign();
    const [, size] = kept.split("\n");
    const grown = await ledger.ask(`consistency?from=${size}`);
    const files = {
      "answer.json": JSON.stringify(answer.body),
      "kept.txt": kept,
      "consistency.json": await grown.text(),
      "row.tlog-proof": await fetchProof("audit", answer.body.id),
      "evidence.ndjson": (await ledger.collect()).join("\n"),
    };
    for (const [name, content] of Object.entries(files)) {
      await Deno.writeTextFile(`${dir}/${name}`, content);
    }
  });

  test("has examples of a bundle, a proof, a receipt and a consistency proof", () => {
    expect(EXAMPLES).toHaveLength(4);
  });

  test.each(EXAMPLES)("$command prints the page's output", async (
    { command, shown },
  ) => {
    const args = command.replace('"$LOG_KEY"', ledger.keys.verifierKey).split(
      " ",
    );
    const { code, stdout, stderr } = await verify(args);
    expect([code, stderr]).toEqual([0, ""]);
    expect(withoutFigures(stdout)).toBe(withoutFigures(shown));
  });

  /** What differs each time: hashes, sizes and counts. */
  function withoutFigures(text: string): string {
    return text.replaceAll(/\b[0-9a-f]{64}\b/g, "<hash>")
      .replaceAll(/root \S{44}/g, "root <hash>")
      .replaceAll(/leaf \d+|\d+ leaves/g, "<leaves>")
      .replaceAll(/^- rows of .*: the bundle has none\n/gm, "")
      .replaceAll(/\b([A-Za-z]+) \d+(?=,|\n)/g, "$1 <count>");
  }
});
