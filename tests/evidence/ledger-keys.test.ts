import { describe, expect, test, vi } from "vitest";
import { readLedgerKeys } from "../../shared/evidence/ledger-keys.ts";
import { createKeys } from "../../shared/tlog/keys.ts";
import { serveLedger } from "../../shared/serve-ledger.ts";
import { EVENTS, newId } from "../support/running-stack.ts";
import {
  makeLogKeys,
  ORIGIN,
  withEvidenceStack,
} from "../support/evidence-stack.ts";
import { readNote } from "../support/tlog-parsers.ts";

const logKeys = await makeLogKeys();
const otherKeys = await makeLogKeys();
const witnessKeys = await createKeys("example.org/witness", "cosignature");
const elsewhere = await createKeys("example.net/ledger", "note");

describe("keys of the function ledger", () => {
  test("when missing, sealing answers that nothing is signed", async () => {
    await withEvidenceStack("PGlite", {}, async (ledger) => {
      const { body: row } = await ledger.post("audit", {
        ...EVENTS.audit,
        id: newId(),
      });
      const { body } = await ledger.post("ledger/seal", {});
      expect(body).toMatchObject({
        sealed: 1,
        size: 2,
        checkpoint: null,
        unsigned: "LEDGER_SIGNING_KEYS is not set",
      });
      expect((await ledger.ask("checkpoint")).status).toBe(404);
      expect((await ledger.ask("tile/0/000.p/2")).status).toBe(200);
      const { status, body: problem } = await ledger.post(
        `ledger/proof/audit/${row.id}`,
        undefined,
        { method: "GET" },
      );
      expect([status, problem.detail]).toEqual([
        404,
        "No checkpoint covers the row yet; retry later",
      ]);
    });
  });

  test("when invalid, every request is a 500 without details, and other functions work", async () => {
    const { signerKey } = await makeLogKeys();
    await withEvidenceStack(
      "PGlite",
      { LEDGER_SIGNING_KEYS: signerKey.slice(0, -8) },
      async (ledger) => {
        for (
          const path of ["checkpoint", "tile/0/000.p/1", "consistency?from=0"]
        ) {
          const response = await ledger.ask(path);
          expect(response.status).toBe(500);
          expect(await response.json()).toMatchObject({
            code: "internal_error",
            detail:
              "The request failed; find the cause in the access log by x-request-id",
          });
        }
        const sealed = await ledger.post("ledger/seal", {});
        expect(sealed.status).toBe(500);
        expect((await ledger.post("audit", EVENTS.audit)).status).toBe(201);
      },
    );
  });
});

describe("the output of the function ledger", () => {
  const environment = {
    data: {
      url: "http://127.0.0.1:1",
      publishableKeys: {},
      secretKeys: { default: "sb_secret_x" },
      jwks: null,
    },
    error: null,
  };

  async function start(variables: Record<string, string>) {
    const lines: string[] = [];
    const spies = (["error", "warn", "log", "info"] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation((...parts) => {
        lines.push(parts.map(String).join(" "));
      })
    );
    try {
      const keys = readLedgerKeys((name) => variables[name]);
      const answer = serveLedger(environment as never, keys);
      await keys.catch(() => {});
      const atStart = [...lines];
      const response = await answer(
        new Request("http://127.0.0.1/ledger/checkpoint"),
      );
      return {
        atStart,
        lines,
        status: response.status,
        text: await response.text(),
      };
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
  }

  test("is empty at its start with valid keys", async () => {
    const { signerKey } = await makeLogKeys();
    const { atStart, lines, status } = await start({
      LEDGER_SIGNING_KEYS: signerKey,
    });
    expect(atStart).toEqual([]);
    // There is no database; the line of that request holds no key.
    expect(status).toBe(503);
    expect(lines.join()).not.toContain(signerKey.split("+").at(-1));
  });

  test.each([
    [
      "a signing key that is cut off",
      { LEDGER_SIGNING_KEYS: logKeys.signerKey.slice(0, -8) },
      "LEDGER_SIGNING_KEYS has a key that is not PRIVATE+KEY+<name>+<id>+<base64> of an Ed25519 key",
    ],
    [
      "a public key where a secret one is wanted",
      { LEDGER_SIGNING_KEYS: logKeys.verifierKey },
      "LEDGER_SIGNING_KEYS has a key that is not PRIVATE+KEY+<name>+<id>+<base64> of an Ed25519 key",
    ],
    [
      "a signing key with another's id",
      {
        LEDGER_SIGNING_KEYS: logKeys.signerKey.replace(
          logKeys.signerKey.split("+")[3],
          "00000000",
        ),
      },
      "LEDGER_SIGNING_KEYS has a key that has an id that does not match its name and key",
    ],
    ["a witness's key for signing", {
      LEDGER_SIGNING_KEYS: witnessKeys.signerKey,
    }, "LEDGER_SIGNING_KEYS has a key of a witness; use the key of a log"],
    [
      "signing keys of two names",
      {
        LEDGER_SIGNING_KEYS: `${logKeys.signerKey}\n${elsewhere.signerKey}`,
      },
      "LEDGER_SIGNING_KEYS has keys of several names, but a log has one origin; use keys of one name",
    ],
    [
      "a retired key of another name",
      {
        LEDGER_SIGNING_KEYS: logKeys.signerKey,
        LEDGER_RETIRED_KEYS: elsewhere.verifierKey,
      },
      "LEDGER_RETIRED_KEYS has a key of another name than LEDGER_SIGNING_KEYS, but a log keeps its origin; use keys of that name",
    ],
    [
      "a secret key among the retired",
      { LEDGER_RETIRED_KEYS: otherKeys.signerKey },
      "LEDGER_RETIRED_KEYS has a key that is not <name>+<id>+<base64> of an Ed25519 public key",
    ],
    ["a log's key for cosigning", {
      WITNESS_SIGNING_KEY: logKeys.signerKey,
    }, "WITNESS_SIGNING_KEY has a key of a log; use the key of a witness"],
    ["two keys for cosigning", {
      WITNESS_SIGNING_KEY: `${witnessKeys.signerKey} ${witnessKeys.signerKey}`,
    }, "WITNESS_SIGNING_KEY has more than one key; keep one"],
    ["a witness's key as that of a log to cosign", {
      WITNESSED_LOGS: witnessKeys.verifierKey,
    }, "WITNESSED_LOGS has a key of a witness; use the key of a log"],
    ["a witness without a URL", {
      LEDGER_WITNESSES: witnessKeys.verifierKey,
    }, "LEDGER_WITNESSES has a key without a URL; put its URL after the key"],
    ["a witness whose URL is none", {
      LEDGER_WITNESSES: `${witnessKeys.verifierKey} file:///etc/passwd`,
    }, "LEDGER_WITNESSES has a key without a URL; put its URL after the key"],
    ["a log's key as that of a witness", {
      LEDGER_WITNESSES: `${logKeys.verifierKey} https://example.org`,
    }, "LEDGER_WITNESSES has a key of a log; use the key of a witness"],
    [
      "a URL where a witness's key is wanted",
      {
        LEDGER_WITNESSES: `https://example.org ${witnessKeys.verifierKey}`,
      },
      "LEDGER_WITNESSES has a key that is not <name>+<id>+<base64> of an Ed25519 public key",
    ],
  ])(
    "for %s names the variable once at start, and never a key",
    async (_, variables, sentence) => {
      const { atStart, lines, status, text } = await start(
        variables as unknown as Record<string, string>,
      );
      expect(atStart).toEqual([`TypeError: ${sentence}`]);
      expect(status).toBe(500);
      const output = [...lines, text].join("\n");
      for (const value of Object.values(variables)) {
        for (
          const part of value.split(/[\s+]/).filter((one) => one.length > 20)
        ) {
          expect(output).not.toContain(part);
        }
      }
      expect(text).not.toContain("LEDGER");
      expect(text).not.toContain("WITNESS");
      expect(lines.slice(1)).toHaveLength(1);
      expect(JSON.parse(lines[1])).toMatchObject({ function: "ledger" });
    },
  );

  test("a signed note contains no part of the secret key", async () => {
    const { signerKey, verifierKey } = await makeLogKeys();
    const env = { LEDGER_SIGNING_KEYS: signerKey };
    await withEvidenceStack("PGlite", env, async (ledger) => {
      await ledger.post("audit", EVENTS.audit);
      const sealed = await ledger.sealAll();
      const { signatures } = readNote(sealed.checkpoint!);
      expect(signatures.map(({ name, keyId }) => [name, keyId]))
        .toEqual([[ORIGIN, verifierKey.split("+")[1]]]);
      const answers = [
        JSON.stringify(sealed),
        ...await ledger.collect(),
        await (await ledger.ask("consistency?from=1")).text(),
      ];
      for (const part of [signerKey, signerKey.split("+").slice(4).join("+")]) {
        expect(answers.join("\n")).not.toContain(part);
      }
    });
  });
});
