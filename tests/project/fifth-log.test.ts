import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createDatabase } from "../../local/postgres.ts";
import { createKeys, type NewKeys } from "../../shared/tlog/keys.ts";
import { overPostgres, type TestDatabase } from "../support/databases.ts";
import { FIRM, newId } from "../support/running-stack.ts";
import { behindTriggers } from "../support/tampering.ts";
import {
  type CommandResult,
  type RunningCommand,
  spawn,
} from "../support/command.ts";
import { copyWithFifthLog } from "./fifth-log.ts";

const EVENT = {
  firm_id: FIRM,
  tool_name: "send-invoice",
  decision: "approved",
  comment: "Checked against the contract",
  waited_seconds: 40,
};

const DAY_MS = 86_400_000;

describe("a fifth log, added as CONTRIBUTING.md says", () => {
  let dir: string;
  let keys: NewKeys;
  let db: TestDatabase;
  let stack: RunningCommand;
  let url: string;
  let apikey: string;
  beforeAll(async () => {
    dir = await copyWithFifthLog();
    keys = await createKeys("example.com/fifth", "note");
    await Deno.writeTextFile(
      `${dir}/supabase/functions/.env`,
      `LEDGER_SIGNING_KEYS=${keys.signerKey}\n`,
    );
    // On a server, because the guard and the doctor are for the tables' owner.
    const databaseUrl = await createDatabase({ url: inject("postgresUrl") });
    db = overPostgres(databaseUrl);
    stack = spawn("start.ts", ["--database-url", databaseUrl], {}, dir);
    await stack.saw("Ctrl-C stops it.");
    [, url] = /^API +(\S+)$/m.exec(stack.output())!;
    [, apikey] = /^Secret key +(\S+)$/m.exec(stack.output())!;
  });
  afterAll(async () => {
    await stack?.end("SIGTERM");
    await db?.close();
    await Deno.remove(dir, { recursive: true });
  });

  /** Runs a command of the copy, by its path from `local`, to its end. */
  const run = (script: string, ...args: string[]): Promise<CommandResult> =>
    spawn(script, args, {}, dir).result;

  async function ask(path: string, body?: unknown) {
    const response = await fetch(`${url}/functions/v1/${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { apikey, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  }

  async function record(event: object = EVENT): Promise<string> {
    const id = newId();
    const { status, body } = await ask("approval", { ...event, id });
    expect(status, JSON.stringify(body)).toBe(201);
    return id;
  }

  test("records an event once, and names the fields of a conflict", async () => {
    const id = await record();
    const again = await ask("approval", { ...EVENT, id });
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({ ...EVENT, id });
    const other = await ask("approval", { ...EVENT, id, decision: "rejected" });
    expect(other.status).toBe(409);
    expect(other.body).toMatchObject({
      code: "conflict",
      fields: ["decision"],
    });
  });

  test("rejects events that its declaration or its foreign keys do not allow", async () => {
    const { status, body } = await ask("approval", [
      { ...EVENT, decision: "perhaps" },
      { ...EVENT, firm_id: newId() },
    ]);
    expect(status).toBe(207);
    expect(body.results).toMatchObject([
      { problem: { errors: [{ pointer: "/decision" }] } },
      { problem: { errors: [{ pointer: "/firm_id", code: "not_found" }] } },
    ]);
  });

  test("is listed by its filters and summed up by its groups", async () => {
    const tool_name = newId();
    await record({ ...EVENT, tool_name });
    const id = await record({ ...EVENT, tool_name, decision: "rejected" });
    const list = await ask(`approval?tool_name=${tool_name}&decision=rejected`);
    expect(list.body.rows).toMatchObject([{ id, decision: "rejected" }]);
    const [from, to] = [-DAY_MS, 2 * DAY_MS].map((offset) =>
      new Date(Date.now() + offset).toISOString().slice(0, 10)
    );
    const summary = await ask(
      `approval/summary?tool_name=${tool_name}&from=${from}&to=${to}&group_by=decision`,
    );
    expect(summary.status, JSON.stringify(summary.body)).toBe(200);
    expect(summary.body.groups).toMatchObject([
      { decision: "approved", count: 1, waited_seconds: 40 },
      { decision: "rejected", count: 1, waited_seconds: 40 },
    ]);
  });

  test("is in its own OpenAPI document and in that of all logs", async () => {
    const { body } = await ask("approval/openapi.json");
    expect(Object.keys(body.paths)).toContain("/approval");
    const { paths } = JSON.parse(
      await Deno.readTextFile(`${dir}/docs/openapi.json`),
    );
    expect(Object.keys(paths)).toContain("/approval/summary");
    expect(Object.keys(paths)).toContain("/audit/summary");
  });

  test.each(["standard/approval", "cloudevents/approval", "native/approval"])(
    "takes the sample of %s",
    async (target) => {
      const base = `${url}/functions/v1`;
      const sent = await run(
        "../scripts/send.ts",
        target,
        "--key",
        apikey,
        "--url",
        base,
      );
      expect(sent, sent.stdout).toMatchObject({ code: 0, stderr: "" });
      expect(sent.stdout).toContain("201 Created");
      expect(sent.stdout).toContain(`"comment": "${EVENT.comment}"`);
    },
  );

  test("lets the URL of a webhook set the declared members", async () => {
    const { firm_id: _, ...event } = EVENT;
    const data = { ...event, id: newId() };
    const { status, body } = await ask(
      `webhooks/standard/approval?firm_id=${FIRM}`,
      { type: "approval.recorded", timestamp: new Date(), data },
    );
    expect(status, JSON.stringify(body)).toBe(201);
    expect(body).toMatchObject(EVENT);
  });

  test.each([
    "update public.approval_log set decision = 'rejected'",
    "delete from public.approval_log",
    "truncate public.approval_log",
  ])("refuses to its owner: %s", async (statement) => {
    await record();
    await expect(db.query(statement)).rejects.toThrow(
      /of public\.approval_log is refused, because the log is append-only/,
    );
  });

  test("passes the doctor without findings", async () => {
    expect(await db.query("select * from ledger.doctor()")).toEqual([]);
  });

  test("has evidence that the copy's verifier accepts, and refuses when a row is rewritten", async () => {
    const id = await record();
    const bundle = `${dir}/evidence.ndjson`;
    const exportAndVerify = async () => {
      const exported = await run(
        "../scripts/export-evidence.ts",
        ...["--url", url, "--out", bundle],
      );
      expect(exported, exported.stderr).toMatchObject({ code: 0 });
      const key = ["--key", keys.verifierKey];
      return await run("../scripts/verify.ts", bundle, ...key);
    };
    // Another test file's transaction on the same server delays leaves.
    await expect.poll(async () => {
      const { stdout } = await run("../scripts/seal.ts", "--url", url);
      return JSON.parse(stdout).pending;
    }, { timeout: 20_000 }).toBe(0);
    const proof = await fetch(
      `${url}/functions/v1/ledger/proof/approval/${id}`,
      { headers: { apikey } },
    );
    expect(await proof.text()).toMatch(/^c2sp\.org\/tlog-proof@v1\n/);

    const [{ count }] = await db.query<{ count: number }>(
      "select count(*)::int as count from public.approval_log",
    );
    const verified = await exportAndVerify();
    expect(verified.stdout).toContain(`rowsCompared ${count}`);
    // Every comment is committed to.
    expect(verified.stdout).toContain(`commitmentsOpened ${count}`);
    expect(verified).toMatchObject({ code: 0 });

    await behindTriggers(
      db,
      ["public.approval_log"],
      `update public.approval_log set comment = 'Not checked' where id = '${id}'`,
    );
    const refused = await exportAndVerify();
    expect(refused.stdout)
      .toContain(`commitment_differs: The row ${id} of approval_log`);
    expect(refused).toMatchObject({ code: 1 });
  });
});
