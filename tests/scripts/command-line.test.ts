import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type CommandResult, run, spawn } from "../support/command.ts";
import {
  makeProject,
  type ScratchProject,
} from "../support/scratch-project.ts";

// Starting databases takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const MIGRATION = `
create table public.things (id bigint generated always as identity, name text);
grant select, insert on public.things to service_role;`;
const READY = "Ctrl-C stops it.";
const ANN = "11111111-1111-4111-8111-111111111111";

describe("npm start", () => {
  let project: ScratchProject;
  const flags = (...more: string[]) => ["--project-dir", project.dir, ...more];

  beforeAll(async () => {
    project = await makeProject({ "migrations/1_things.sql": MIGRATION });
  });
  afterAll(() => project.remove());

  function expectOneSentence(result: CommandResult, pattern: RegExp): void {
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(pattern);
    expect(result.stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(result.stdout).toBe("");
  }

  /** The stack's API as its own output names it. */
  function open(output: string) {
    const [, url] = /^API +(\S+)$/m.exec(output)!;
    const [, apikey] = /^Secret key +(\S+)$/m.exec(output)!;
    const headers = { apikey, "content-type": "application/json" };
    return {
      url,
      things: async () =>
        await (await fetch(`${url}/rest/v1/things?select=name`, { headers }))
          .json(),
      add: (name: string) =>
        fetch(`${url}/rest/v1/things`, {
          method: "POST",
          headers,
          body: JSON.stringify({ name }),
        }).then((response) => response.body?.cancel()),
    };
  }

  test("keeps its data over Ctrl-C, SIGTERM and a killed process", async () => {
    const names: string[] = [];
    for (const signal of ["SIGINT", "SIGTERM", "SIGKILL", "SIGINT"] as const) {
      const stack = spawn("start.ts", flags());
      await stack.saw(READY);
      const api = open(stack.output());
      expect(await api.things()).toEqual(names.map((name) => ({ name })));
      const name = `${signal} ${names.length}`;
      await api.add(name);
      names.push(name);
      const { code, stderr } = await stack.end(signal);
      expect(stderr).toBe("");
      expect(code).toBe(signal === "SIGKILL" ? 137 : 0);
    }
  });

  test("keeps nothing with --memory", async () => {
    for (const _ of [1, 2]) {
      const stack = spawn("start.ts", flags("--memory"));
      await stack.saw(READY);
      const api = open(stack.output());
      expect(await api.things()).toEqual([]);
      await api.add("forgotten");
      await stack.end("SIGINT");
    }
  });

  test("refuses a data folder that another stack is using", async () => {
    const dataDir = `${project.dir}/shared-data`;
    const first = spawn("start.ts", flags("--data-dir", dataDir));
    await first.saw(READY);
    const second = await run("start.ts", flags("--data-dir", dataDir));
    expectOneSentence(
      second,
      new RegExp(
        `^Cannot use the data folder .*process id ${first.pid} uses it`,
      ),
    );
    await first.end("SIGKILL");
    const third = spawn("start.ts", flags("--data-dir", dataDir));
    await third.saw(READY);
    expect((await third.end("SIGTERM")).code).toBe(0);
  });

  test("stops when npm's shell was killed", async () => {
    const args = ["run", "-A", "scripts/start.ts", ...flags("--memory")];
    const shell = new Deno.Command("sh", {
      args: ["-c", `"$0" "$@" & wait`, Deno.execPath(), ...args],
      cwd: new URL("../..", import.meta.url).pathname,
      env: { PORT: "0", LOCAL_SECRET_KEYS: "", npm_lifecycle_event: "start" },
      stdout: "piped",
    }).spawn();
    let output = "";
    for await (
      const text of shell.stdout.pipeThrough(new TextDecoderStream())
    ) {
      const wasReady = output.includes(READY);
      output += text;
      if (!wasReady && output.includes(READY)) shell.kill("SIGKILL");
    }
    // The pipe ends when the last process that holds it has ended.
    expect(output).toContain("Stopped.");
    await shell.status;
  });

  test("prints its addresses, keys and a command that can be pasted", async () => {
    const named = "sb_secret_for_the_agent";
    const extra = await makeProject({
      "config.toml": "[functions.tool-usage]\nverify_jwt = false\n",
      "functions/tool-usage/index.ts":
        "export default { fetch: async (req) => Response.json([req.headers.get('apikey'), await req.json()]) };",
    });
    const stack = spawn("start.ts", ["--memory", "--project-dir", extra.dir], {
      LOCAL_SECRET_KEYS: JSON.stringify({ agent: named }),
    });
    try {
      await stack.saw(READY);
      const output = stack.output();
      const { url } = open(output);
      expect(output).toContain(`${url}/functions/v1/tool-usage`);
      expect(output).toMatch(/^Publishable key +sb_publishable_\S+$/m);
      expect(output).toMatch(/^Secret key agent +sb_secret_for_the_agent$/m);
      const [command] = /^curl [^]*\}'$/m.exec(output)!;
      const { stdout, code } = await new Deno.Command("sh", {
        args: ["-c", command.replace("curl", "curl --silent")],
      }).output();
      expect(code).toBe(0);
      const [apikey, event] = JSON.parse(new TextDecoder().decode(stdout));
      expect(apikey).toMatch(/^sb_secret_/);
      expect(event).toMatchObject({
        agent_id: "40000000-0000-4000-8000-000000000001",
        tool_id: "50000000-0000-4000-8000-000000000001",
      });
    } finally {
      await stack.end("SIGINT");
      await extra.remove();
    }
  });

  test("starts a function again when its file changes", async () => {
    const extra = await makeProject({
      "config.toml": "[functions.edited]\nverify_jwt = false\n",
      "functions/edited/index.ts":
        "import { text } from '../../../shared/text.ts';\nexport default { fetch: () => new Response(text) };",
    });
    await Deno.mkdir(`${extra.dir}/shared`);
    const write = (text: string) =>
      Deno.writeTextFile(
        `${extra.dir}/shared/text.ts`,
        `export const text = "${text}";`,
      );
    await write("before");
    // Relative to the command's working directory.
    const relative = `${"../".repeat(20)}${extra.dir.slice(1)}`;
    const stack = spawn("start.ts", ["--memory", "--project-dir", relative]);
    try {
      await stack.saw(READY);
      const { url } = open(stack.output());
      const ask = async () =>
        await (await fetch(`${url}/functions/v1/edited`)).text();
      expect(await ask()).toBe("before");
      await write("after");
      await expect.poll(ask, { timeout: 10_000 }).toBe("after");
    } finally {
      await stack.end("SIGINT");
      await extra.remove();
    }
  });

  test("reports in one sentence that its port is in use", async () => {
    const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr;
    expectOneSentence(
      await run("start.ts", flags("--memory"), { PORT: String(port) }),
      new RegExp(`^Cannot listen on port ${port}: it is in use`),
    );
    taken.close();
  });

  test("reports in one sentence an unreachable database, without its password", async () => {
    const result = await run(
      "start.ts",
      flags("--database-url", "postgresql://ann:hunter2@127.0.0.1:1/ledger"),
    );
    expectOneSentence(
      result,
      /^Cannot reach the database at 127\.0\.0\.1:1\/ledger: .*ECONNREFUSED/,
    );
    expect(result.stderr).not.toContain("hunter2");
  });

  test("reports in one sentence the migration and the line that fail", async () => {
    const failing = await makeProject({
      "migrations/1_good.sql": MIGRATION,
      "migrations/2_bad.sql": "select 1;\n\nselect from nowhere;\n",
    });
    expectOneSentence(
      await run("start.ts", ["--memory", "--project-dir", failing.dir]),
      /^Cannot apply migration 2_bad\.sql: .*nowhere.* \(line 3\)$/m,
    );
    await failing.remove();
  });

  test.each<[string[], Record<string, string>, RegExp]>([
    [
      ["--memroy"],
      {},
      /^Unknown option '--memroy'; expected one of --memory/,
    ],
    [["extra"], {}, /^Unexpected argument 'extra'/],
    [["--port"], {}, /^Option '--port' lacks its value; pass --port <value>$/m],
    [["--port", "http"], {}, /^Cannot use port "http"/],
    [
      ["--data-dir", "/dev/null/data"],
      {},
      /^Cannot use the data folder \/dev\/null\/data: .*; pass --data-dir with a folder that you can write to$/m,
    ],
    [
      ["--project-dir", "/dev/null"],
      {},
      /^Option '--project-dir' is given twice/,
    ],
    [[], { PORT: "65536" }, /^Cannot use port "65536"/],
    [["--database-url", "not a url"], {}, /^Cannot use the database URL/],
    [["--allow-origin", "localhost:3000"], {}, /^Cannot use the URL/],
    [
      ["--memory", "--database-url", "postgresql://127.0.0.1:1/x"],
      {},
      /^Cannot use both/,
    ],
    [
      ["--memory", "--postgrest"],
      {},
      /^Cannot serve \/rest\/v1 by PostgREST over PGlite: expected --database-url/,
    ],
    [[], { LOCAL_SECRET_KEYS: "[]" }, /^Cannot read LOCAL_SECRET_KEYS/],
    [
      [],
      { LOCAL_SECRET_KEYS: "{'a':1}" },
      /^Cannot read LOCAL_SECRET_KEYS/,
    ],
    [
      [],
      { LOCAL_SECRET_KEYS: '{"default":"sb_secret_x"}' },
      /^Cannot name a further secret key "default"/,
    ],
    [
      [],
      { LOCAL_SECRET_KEYS: '{"agent":"hunter2"}' },
      /^Cannot use the secret key named "agent": expected/,
    ],
  ])(
    "reports in one sentence the invalid flags %j and settings %j",
    async (args, env, pattern) => {
      const result = await run("start.ts", flags(...args), env);
      expectOneSentence(result, pattern);
      expect(result.stderr).not.toContain("hunter2");
    },
  );
});

describe("npm run token", () => {
  let project: ScratchProject;
  const flags = (...more: string[]) => ["--project-dir", project.dir, ...more];

  beforeAll(async () => {
    project = await makeProject();
  });
  afterAll(() => project.remove());

  test("prints a token and nothing else, and the running stack accepts it", async () => {
    const stack = spawn("start.ts", flags("--memory"));
    await stack.saw(READY);
    const [, url, port] = /^API +(\S+:(\d+))$/m.exec(stack.output())!;
    const { code, stdout, stderr } = await run(
      "token.ts",
      flags("--user", ANN, "--role", "chairman", "--expires-in", "120"),
      { PORT: port },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const token = stdout.trim();
    const claims = decodeJwt(token);
    expect(claims).toMatchObject({
      iss: `${url}/auth/v1`,
      sub: ANN,
      aud: "authenticated",
      role: "authenticated",
      app_metadata: { role: "chairman" },
      user_metadata: {},
      is_anonymous: false,
      session_id: expect.any(String),
    });
    expect(claims.exp! - claims.iat!).toBe(120);
    const [, apikey] = /^Publishable key +(\S+)$/m.exec(stack.output())!;
    const ask = (bearer: string) =>
      fetch(`${url}/rest/v1/nothing`, {
        headers: { apikey, authorization: `Bearer ${bearer}` },
      }).then(async (response) => {
        await response.body?.cancel();
        return response.status;
      });
    expect(await ask(token)).toBe(404);
    expect(await ask(`${token}x`)).toBe(401);
    await stack.end("SIGINT");
  });

  test("takes the stack's address from --url", async () => {
    const { stdout } = await run(
      "token.ts",
      flags("--user", ANN, "--url", "http://127.0.0.1:7777/"),
    );
    expect(decodeJwt(stdout.trim()).iss).toBe("http://127.0.0.1:7777/auth/v1");
  });

  test.each<[string[], RegExp]>([
    [[], /^Cannot sign a token without a user: expected --user <uuid>\n$/],
    [
      ["--user", "ann"],
      /^Cannot sign a token for user "ann": expected a uuid\n$/,
    ],
    [["--user", ANN, "--expires-in", "1h"], /^Cannot use the lifetime "1h"/],
    [["--user", ANN, "--expires-in=-5"], /^Cannot use the lifetime "-5"/],
    [["--user", ANN, "--expires-in", "-5"], /^Option '--expires-in' lacks its/],
    [["--user", ANN, "--user", ANN], /^Option '--user' is given twice/],
    [["--user", ANN, "--url", "nowhere"], /^Cannot use the URL "nowhere"/],
    [["--usr", ANN], /^Unknown option '--usr'/],
  ])("reports in one sentence the invalid flags %j", async (args, pattern) => {
    const { code, stdout, stderr } = await run("token.ts", flags(...args));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(pattern);
  });
});
