import postgres from "postgres";
import { expect, inject, test } from "vitest";
import { createDatabase, startPostgres } from "../../local/postgres.ts";

/** Runs one statement on a connection of its own. */
async function ask<Row>(url: string, statement: string): Promise<Row[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return [...await sql.unsafe(statement)] as unknown as Row[];
  } finally {
    await sql.end();
  }
}

test("a server keeps committed data after a crash, and deletes its data when it stops", async () => {
  const server = await startPostgres({ settings: { work_mem: "5MB" } });
  try {
    await ask(server.url, "create table kept as select 1 as one");
    const [{ data_directory }] = await ask<{ data_directory: string }>(
      server.url,
      "show data_directory",
    );
    const firstPid = server.pid;

    await server.kill();
    await expect(ask(server.url, "select 1")).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
    expect(() => server.pid).toThrow("not running");

    await server.restart();
    expect(server.pid).not.toBe(firstPid);
    expect(await ask(server.url, "select one from kept")).toEqual([{ one: 1 }]);
    expect(await ask(server.url, "show work_mem")).toEqual([{
      work_mem: "5MB",
    }]);

    await server.stop();
    await server.stop();
    await expect(Deno.stat(data_directory)).rejects.toThrow(
      Deno.errors.NotFound,
    );
  } finally {
    await server.stop();
  }
});

test("a server is a durable PostgreSQL 17 on loopback, in UTF8 and UTC", async () => {
  const server = await startPostgres();
  try {
    const rows = await ask(
      server.url,
      `select current_setting('server_version_num')::int / 10000 as version,
        current_setting('listen_addresses') as addresses,
        current_setting('unix_socket_directories') as sockets,
        current_setting('fsync') as fsync,
        current_setting('server_encoding') as encoding,
        current_setting('TimeZone') as zone,
        current_user::text as "user"`,
    );
    expect(rows).toEqual([{
      version: 17,
      addresses: "127.0.0.1",
      sockets: "",
      fsync: "on",
      encoding: "UTF8",
      zone: "UTC",
      user: "postgres",
    }]);
  } finally {
    await server.stop();
  }
});

test("a server that does not start reports PostgreSQL's error", async () => {
  await expect(startPostgres({ settings: { shared_buffers: "plenty" } }))
    .rejects.toThrow('invalid value for parameter "shared_buffers": "plenty"');
});

test("a port in use is an error", async () => {
  const { port } = new URL(inject("postgresUrl"));
  await expect(startPostgres({ port: Number(port) })).rejects.toThrow(
    "Address already in use",
  );
});

test("a given data directory is kept when the server stops, and used again", async () => {
  const parent = await Deno.makeTempDir({ dir: "/tmp" });
  await Deno.chmod(parent, 0o755);
  const dir = `${parent}/data`;
  try {
    const first = await startPostgres({ dir });
    await ask(first.url, "create table kept as select 1 as one");
    await first.stop();
    const second = await startPostgres({ dir });
    expect(await ask(second.url, "select one from kept")).toEqual([{ one: 1 }]);
    await second.stop();
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
});

test("a new database is a copy of its template", async () => {
  const server = { url: inject("postgresUrl") };
  const template = await createDatabase(server);
  await ask(template, "create table copied as select 1 as one");
  const copy = await createDatabase(
    server,
    undefined,
    new URL(template).pathname.slice(1),
  );
  expect(await ask(copy, "select one from copied")).toEqual([{ one: 1 }]);
  const plain = await createDatabase(server);
  await expect(ask(plain, "select one from copied")).rejects.toMatchObject({
    code: "42P01",
  });
});

test(
  "a server and its data disappear when the process that started it is killed",
  async () => {
    const module = new URL("../../local/postgres.ts", import.meta.url).href;
    const owner = new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `import { startPostgres } from ${JSON.stringify(module)};
      console.log((await startPostgres()).url);
      await new Promise((resolve) => setTimeout(resolve, 60_000));`,
      ],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = owner.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    const url = (await reader.read()).value!.trim();
    const [{ data_directory }] = await ask<{ data_directory: string }>(
      url,
      "show data_directory",
    );

    owner.kill("SIGKILL");
    await owner.status;
    await reader.cancel();
    await expect.poll(
      () => Deno.stat(data_directory).then(() => "there", () => "gone"),
      { timeout: 10_000 },
    ).toBe("gone");
    await expect(ask(url, "select 1")).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
  },
  20_000,
);
