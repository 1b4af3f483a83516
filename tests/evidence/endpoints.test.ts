import { decodeHex } from "@std/encoding/hex.js";
import { beforeAll, describe, expect, test } from "vitest";
import {
  HASH_BYTES,
  parseBase64Of,
  sha256,
  toHex,
} from "../../shared/tlog/encoding.ts";
import { verifyConsistency } from "../../shared/tlog/proofs.ts";
import { toTilePath } from "../../shared/tlog/tiles.ts";
import { verifyTlogProof } from "../../shared/tlog/tlog-proof.ts";
import { hashLeaf, hashTree } from "../../shared/tlog/tree.ts";
import {
  EVENTS,
  newId,
  NOBODY,
  OTHER_USER,
  SERVER_ONLY,
  type Slug,
  SLUGS,
  TABLES,
  USER,
} from "../support/running-stack.ts";
import {
  openTrusted,
  ORIGIN,
  useEvidenceStack,
} from "../support/evidence-stack.ts";
import { readProof } from "../support/tlog-parsers.ts";
import { FULL_EVENTS, hashFromReceipt } from "../support/receipts.ts";

describe.each(SERVER_ONLY)("the function ledger on %s", (engine) => {
  const ledger = useEvidenceStack(engine);

  const record = async (slug: Slug, event: Record<string, unknown> = {}) => {
    const { status, body } = await ledger.post(
      slug,
      { ...FULL_EVENTS[slug], id: newId(), ...event },
      { headers: { prefer: "return=receipt" } },
    );
    expect(status).toBe(201);
    return body;
  };
  const newest = async () =>
    (await openTrusted(
      await (await ledger.ask("checkpoint")).text(),
      ledger.policy,
    ))
      .checkpoint;
  const askProof = (path: string, headers: Record<string, string> = {}) =>
    ledger.post(`ledger/proof/${path}`, undefined, {
      method: "GET",
      headers: { apikey: null, ...headers },
    });
  const asService = () => ({ apikey: ledger.stack.secretKey });
  const asUser = async (id: string) => ({
    authorization: `Bearer ${await ledger.stack.signUserToken(id)}`,
  });

  describe("before the first checkpoint", () => {
    test.each(["checkpoint", "consistency?from=0"])(
      "GET %s is a 404",
      async (path) => {
        const response = await ledger.ask(path);
        expect(response.status).toBe(404);
        expect(await response.json()).toMatchObject({
          code: "not_found",
          detail: "No checkpoint is signed yet; seal first",
        });
      },
    );

    test("sealing an empty log signs nothing", async () => {
      const { status, body } = await ledger.post("ledger/seal", {});
      expect({ status, body }).toMatchObject({
        status: 200,
        body: { size: 0, sealed: 0, pending: 0, checkpoint: null },
      });
      expect((await ledger.ask("checkpoint")).status).toBe(404);
    });

    test("a proof of an unsealed row is a 404 that asks to retry later", async () => {
      const { id } = await record("audit");
      const { status, body } = await askProof(`audit/${id}`, asService());
      expect(status).toBe(404);
      expect(body.detail).toBe(
        "The row is recorded and not sealed yet; retry later",
      );
    });
  });

  describe("sealing", () => {
    test("answers with the checkpoint that GET checkpoint returns", async () => {
      await record("llm-usage");
      const { checkpoint, size } = await ledger.sealAll();
      const response = await ledger.ask("checkpoint");
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type"))
        .toBe("text/plain; charset=utf-8");
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(await response.text()).toBe(checkpoint);
      const opened = await openTrusted(checkpoint!, ledger.policy);
      expect(opened.checkpoint).toMatchObject({ origin: ORIGIN, size });
    });

    test("twice adds neither leaves nor a checkpoint", async () => {
      const before = await ledger.sealAll();
      const again = await ledger.sealAll();
      expect(again).toMatchObject({
        sealed: 0,
        size: before.size,
        checkpoint: before.checkpoint,
      });
      const { data } = await ledger.admin().rpc("read_ledger_checkpoints");
      expect(new Set(data).size).toBe((data as string[]).length);
    });

    test("is for services: 403 for a user, 401 without a secret key", async () => {
      const before = (await ledger.admin().rpc("read_ledger_state")).data;
      await record("model-usage");
      for (
        const [wanted, headers] of [
          [403, await asUser(USER)],
          [401, {}],
          [401, { apikey: ledger.stack.publishableKey }],
          [401, { apikey: "sb_secret_no" }],
        ] as const
      ) {
        const { status } = await ledger.post("ledger/seal", {}, {
          headers: { apikey: null, ...headers },
        });
        expect(status).toBe(wanted);
      }
      const after = (await ledger.admin().rpc("read_ledger_state")).data;
      expect(after.size).toBe(before.size);
      expect(after.pending).toBe(before.pending + 1);
    });

    test("ignores its body", async () => {
      for (const body of [undefined, "{", { max_leaves: 0 }]) {
        expect((await ledger.post("ledger/seal", body)).status).toBe(200);
      }
    });
  });

  describe("tiles", () => {
    /** More than a full tile. */
    beforeAll(async () => {
      const events = Array.from({ length: 300 }, () => EVENTS["model-usage"]);
      expect((await ledger.post("model-usage", events)).status).toBe(201);
      await ledger.sealAll();
    });

    const readTile = async (path: string) => {
      const response = await ledger.ask(path);
      expect(response.status, path).toBe(200);
      return await response.bytes();
    };

    test("have the checkpoint's root", async () => {
      const { size, root } = await newest();
      expect(size).toBeGreaterThan(300);
      const hashes: Uint8Array<ArrayBuffer>[] = [];
      for (let index = 0; index * 256 < size; index++) {
        const width = Math.min(256, size - index * 256);
        const tile = await readTile(toTilePath({ level: 0, index, width }));
        expect(tile).toHaveLength(width * HASH_BYTES);
        for (let at = 0; at < width; at++) {
          hashes.push(tile.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES));
        }
      }
      expect(hashTree(hashes)).toEqual(root);
      const above = await readTile("tile/1/000.p/1");
      expect(above).toEqual(hashTree(hashes.slice(0, 256)));
    });

    test("are public and cacheable: full ones for a year, partial ones for a minute", async () => {
      const full = await ledger.ask("tile/0/000");
      expect(full.status).toBe(200);
      expect(full.headers.get("content-type")).toBe("application/octet-stream");
      expect(full.headers.get("cache-control"))
        .toBe("public, max-age=31536000, immutable");
      expect(full.headers.get("access-control-allow-origin")).toBe("*");
      await full.body?.cancel();
      const partial = await ledger.ask("tile/0/001.p/3");
      expect(partial.headers.get("cache-control"))
        .toBe("public, max-age=60, immutable");
      expect(await partial.bytes()).toHaveLength(3 * HASH_BYTES);
    });

    test("that are narrower are prefixes of wider ones", async () => {
      const full = await readTile("tile/0/000");
      for (const width of [1, 7, 255]) {
        expect(await readTile(`tile/0/000.p/${width}`))
          .toEqual(full.slice(0, width * HASH_BYTES));
      }
    });

    test("beyond the tree are a 404 that is not cached", async () => {
      const { size } = await newest();
      const { data } = await ledger.admin().rpc("read_ledger_state");
      const sealed = data.size - 256;
      expect(sealed).toBeGreaterThanOrEqual(size - 256);
      for (
        const path of [
          "tile/0/001",
          `tile/0/001.p/${sealed + 1}`,
          "tile/0/002.p/1",
          "tile/1/000.p/2",
          "tile/1/000",
          "tile/2/000.p/1",
          "tile/63/000.p/1",
          "tile/0/x009/x007/x199/x254/x740/990",
        ]
      ) {
        const response = await ledger.ask(path);
        expect(response.status, path).toBe(404);
        expect(response.headers.get("cache-control")).toBe("no-store");
        expect((await response.json()).detail)
          .toBe("The tree does not have this tile yet; seal first");
      }
    });

    test.each([
      "tile",
      "tile/",
      "tile/0",
      "tile/0/0",
      "tile/0/000.p/0",
      "tile/0/000.p/256",
      "tile/0/000.p/257",
      "tile/0/000.p/",
      "tile/0/000/",
      "tile/0/000/000",
      "tile//0/000",
      "tile/00/000",
      "tile/64/000",
      "tile/-1/000",
      "tile/0/-01",
      "tile/0/x000/000",
      "tile/0/1000",
      "tile/entries/000",
      "tile/0/%30%30%30",
    ])("do not exist at %s", async (path) => {
      const response = await ledger.ask(path);
      expect(response.status).toBe(404);
      expect((await response.json()).detail).toBe(
        "The path is not that of a tile; see C2SP tlog-tiles",
      );
    });
  });

  describe("proofs of rows", () => {
    test.each(SLUGS)(
      "of %s verify with the leaf computed from the row and its receipt",
      async (slug) => {
        const log = TABLES[slug];
        const { id } = await record(slug);
        const { body: recorded } = await ledger.post(
          slug,
          { ...FULL_EVENTS[slug], id },
          { headers: { prefer: "return=receipt" } },
        );
        await ledger.sealAll();
        const { body: row } = await ledger.post(`${slug}/${id}`, undefined, {
          method: "GET",
        });
        const hash = hashFromReceipt(log, row, recorded.receipt);
        expect(recorded.receipt.leaf_hash).toBe(hash);

        const { status, body, headers } = await askProof(
          `${slug}/${id}`,
          asService(),
        );
        expect(status).toBe(200);
        expect(headers.get("content-type")).toBe("text/plain; charset=utf-8");
        expect(headers.get("cache-control")).toBe("no-store");
        const proof = readProof(body);
        const opened = await verifyTlogProof(
          proof,
          decodeHex(hash),
          ledger.policy,
        );
        expect(opened).toHaveProperty("checkpoint");
        const extra = new TextDecoder().decode(proof.extra);
        const [leaf, members, ...more] = extra.split("\n");
        expect(more).toEqual([]);
        expect(toHex(hashLeaf(leaf))).toBe(hash);
        expect(JSON.parse(leaf)[3])
          .toBe(toHex(sha256(new TextEncoder().encode(members))));

        const other = hashLeaf(leaf.replace(id, newId()));
        expect(await verifyTlogProof(proof, other, ledger.policy))
          .toHaveProperty("fault");
      },
    );

    test("need access to the row", async () => {
      const { id } = await record("audit");
      await ledger.sealAll();
      const askAs = async (headers: Record<string, string>) =>
        (await askProof(`audit/${id}`, headers)).status;
      expect(await askAs(await asUser(USER))).toBe(200);
      expect(await askAs(await asUser(OTHER_USER))).toBe(404);
      expect(await askAs(await asUser(NOBODY))).toBe(404);
      expect(await askAs({})).toBe(401);
      expect(await askAs({ apikey: ledger.stack.publishableKey })).toBe(401);
      expect(await askAs({ authorization: "Bearer x" })).toBe(401);
    });

    test("of a hidden row and of a missing row have the same answer", async () => {
      const { id } = await record("llm-usage");
      await ledger.sealAll();
      const headers = await asUser(OTHER_USER);
      const hidden = await askProof(`llm-usage/${id}`, headers);
      const missing = await askProof(`llm-usage/${newId()}`, headers);
      expect(hidden.status).toBe(404);
      expect(hidden.body).toEqual(missing.body);
    });

    test("of a missing row are a 404 for a service", async () => {
      const { status, body } = await askProof(`audit/${newId()}`, asService());
      expect([status, body.detail]).toEqual([404, "The row has no leaf"]);
    });

    test("of a row of another log are a 404", async () => {
      const { id } = await record("tool-usage");
      await ledger.sealAll();
      expect((await askProof(`audit/${id}`, asService())).status).toBe(404);
    });

    test("accept an id in upper case", async () => {
      const { id } = await record("tool-usage");
      await ledger.sealAll();
      const path = `tool-usage/${id.toUpperCase()}`;
      expect((await askProof(path, asService())).status).toBe(200);
    });

    test.each([
      "proof",
      "proof/audit",
      "proof/audit/1",
      `proof/audit_log/${NOBODY}`,
      `proof/nothing/${NOBODY}`,
      `proof/audit/${NOBODY}/more`,
    ])("do not exist at %s, and the answer has their path", async (path) => {
      const { status, body } = await ledger.post(`ledger/${path}`, undefined, {
        method: "GET",
      });
      expect(status).toBe(404);
      expect(body.detail).toMatch(
        /^The path is not that of a proof; use proof\/<log>\/<id>, where /,
      );
      expect(body.detail).not.toContain(NOBODY);
    });
  });

  describe("consistency", () => {
    test("has a proof from every earlier size to the newest checkpoint", async () => {
      const sizes: { size: number; root: Uint8Array }[] = [];
      for (let n = 1; n <= 4; n++) {
        const events = Array.from({ length: n }, () => EVENTS["model-usage"]);
        await ledger.post("model-usage", events);
        const note = await ledger.sign();
        sizes.push((await openTrusted(note, ledger.policy)).checkpoint);
      }
      for (const { size: oldSize, root: oldRoot } of sizes) {
        const response = await ledger.ask(`consistency?from=${oldSize}`);
        expect(response.status).toBe(200);
        const { from, to, hashes, checkpoint } = await response.json();
        const { size, root } =
          (await openTrusted(checkpoint, ledger.policy)).checkpoint;
        expect([from, to]).toEqual([oldSize, size]);
        const proof = (hashes as string[])
          .map((hash) => parseBase64Of(HASH_BYTES, hash)!);
        const claim = { oldSize, oldRoot, size, root };
        expect(verifyConsistency(claim, proof)).toBe(true);
        expect(verifyConsistency({ ...claim, oldRoot: hashLeaf("") }, proof))
          .toBe(false);
      }
      const { to } = await (await ledger.ask("consistency?from=0")).json();
      const every = await Promise.all(
        Array.from({ length: to + 1 }, (_, from) => from)
          .filter((from) => from % 37 === 0)
          .map(async (from) =>
            (await ledger.ask(`consistency?from=${from}`)).status
          ),
      );
      expect(new Set(every)).toEqual(new Set([200]));
    });

    test.each([
      ["", "is required"],
      ["?from=", "is malformed"],
      ["?from=-1", "is malformed"],
      ["?from=1.5", "is malformed"],
      ["?from=1e3", "is malformed"],
      ["?from=9999999999999999", "is malformed"],
      ["?from=1&from=2", "is given more than once"],
      ["?from=1&to=2", "The query parameter to is unknown"],
      ["?from=999999999", "is more than the size of the newest checkpoint"],
    ])("rejects the query %j", async (query, sentence) => {
      const response = await ledger.ask(`consistency${query}`);
      expect(response.status).toBe(400);
      const { code, detail } = await response.json();
      expect(code).toBe("invalid_parameter");
      expect(detail).toContain(sentence);
    });

    test("is not proved beyond the newest checkpoint", async () => {
      await record("audit");
      await ledger.admin().rpc("seal_ledger");
      const { size } = await newest();
      const { status } = await ledger.ask(`consistency?from=${size + 1}`);
      expect(status).toBe(400);
    });
  });

  describe("methods and paths", () => {
    test("HEAD is GET without a body", async () => {
      await ledger.sealAll();
      for (
        const path of ["checkpoint", "tile/0/000.p/1", "consistency?from=0"]
      ) {
        const [get, head] = await Promise.all([
          ledger.ask(path),
          ledger.ask(path, { method: "HEAD" }),
        ]);
        expect(head.status).toBe(200);
        for (const name of ["content-type", "cache-control"]) {
          expect(head.headers.get(name)).toBe(get.headers.get(name));
        }
        expect(await head.text()).toBe("");
        expect(head.headers.get("content-length"))
          .toBe(String((await get.bytes()).length));
      }
      const none = await ledger.ask("tile/9/000", { method: "HEAD" });
      expect([none.status, await none.text()]).toEqual([404, ""]);
    });

    test.each([
      ["checkpoint", "GET, HEAD, OPTIONS"],
      ["tile/0/000", "GET, HEAD, OPTIONS"],
      ["consistency", "GET, HEAD, OPTIONS"],
      [`proof/audit/${NOBODY}`, "GET, HEAD, OPTIONS"],
      ["seal", "POST, OPTIONS"],
      ["add-checkpoint", "POST, OPTIONS"],
    ])(
      "OPTIONS %s lists the allowed methods, and another method is a 405",
      async (path, allow) => {
        const preflight = await ledger.ask(path, { method: "OPTIONS" });
        expect(preflight.status).toBe(204);
        expect(preflight.headers.get("access-control-allow-methods")).toBe(
          allow,
        );
        for (
          const method of [
            "PUT",
            "PATCH",
            "DELETE",
            allow.startsWith("POST") ? "GET" : "POST",
          ]
        ) {
          const response = await ledger.ask(path, { method });
          expect(response.status).toBe(405);
          expect(response.headers.get("allow")).toBe(allow);
          expect((await response.json()).code).toBe("method_not_allowed");
        }
      },
    );

    test.each([
      "",
      "nothing",
      "checkpoint/",
      "checkpoint/1",
      "seal/now",
      "/checkpoint",
      "Checkpoint",
      "constructor",
    ])(
      "ledger/%s is a 404",
      async (path) => {
        const response = await ledger.ask(path);
        expect(response.status).toBe(404);
        expect(await response.json()).toMatchObject({
          code: "not_found",
          detail:
            "The path is unknown; use checkpoint, tile/…, consistency, proof/…, seal or add-checkpoint",
        });
      },
    );

    test("a project without a witness key is not a witness", async () => {
      const response = await ledger.ask("add-checkpoint", {
        method: "POST",
        body: "old 0\n\n",
      });
      expect(response.status).toBe(404);
      expect((await response.json()).detail).toBe(
        "This project is not configured as a witness",
      );
    });
  });
});
