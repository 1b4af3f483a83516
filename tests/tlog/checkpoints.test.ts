import { describe, expect, test } from "vitest";
import {
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
} from "../../shared/tlog/checkpoint.ts";
import {
  cosign,
  formatNote,
  signNote,
  verifyCosignature,
} from "../../shared/tlog/note.ts";
import { toHex } from "../../shared/tlog/encoding.ts";
import { EMPTY_ROOT } from "../../shared/tlog/tree.ts";
import {
  makeSigner,
  readCheckpoint,
  readKey,
  readNote,
  readPolicy,
} from "../support/tlog-parsers.ts";

/**
 * A checkpoint that a public log published: signed by the log (RFC 6962 and
 * Ed25519) and cosigned by four witnesses (Ed25519 cosignatures).
 */
const PUBLISHED = `arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
`;

/** The log's key. */
const PUBLISHED_LOG =
  "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f";

/** The key of one of the witnesses. */
const PUBLISHED_WITNESS =
  "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";

/** When it cosigned, in seconds since 1970. */
const PUBLISHED_TIME = 0x6a122120n;

/** The example of C2SP tlog-cosignature, which has that of tlog-checkpoint in it. */
const EXAMPLE = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
`;

describe("the example of C2SP tlog-checkpoint", () => {
  test("parses, and formats to the same text", () => {
    const checkpoint = readCheckpoint(EXAMPLE);
    expect(checkpoint).toMatchObject({
      origin: "example.com/behind-the-sofa",
      size: 20_852_163,
      extensions: [],
    });
    expect(toHex(checkpoint.root)).toBe(
      "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62",
    );
    expect(formatCheckpoint(checkpoint)).toBe(readNote(EXAMPLE).text);
  });

  test("has a cosignature with the specified timestamp", () => {
    const { bytes } = readNote(EXAMPLE).signatures[1];
    const time = new DataView(bytes.buffer).getBigUint64(0);
    expect([bytes.length, time]).toEqual([72, 1_679_315_147n]);
  });
});

describe("parseCheckpoint() rejects", () => {
  const root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
  test.each([
    "",
    "\n",
    `origin\n1\n`,
    `origin\n1\n${root}`,
    `\n1\n${root}\n`,
    `origin\n\n${root}\n`,
    `origin\n1\n${root}\n\n`,
    `origin\n1\n${root}\n\nmore\n`,
    `origin\n01\n${root}\n`,
    `origin\n+1\n${root}\n`,
    `origin\n-1\n${root}\n`,
    `origin\n1.0\n${root}\n`,
    `origin\n0x1\n${root}\n`,
    `origin\n1 \n${root}\n`,
    `origin\n٣\n${root}\n`,
    `origin\n9007199254740992\n${root}\n`,
    `origin\n1\n${root.slice(0, -1)}\n`,
    `origin\n1\n${root.slice(4)}\n`,
    `origin\n1\nAAAA${root}\n`,
    `origin\n1\n${root.replace("2I=", "2J=")}\n`,
  ])("%j", (text) => {
    expect(parseCheckpoint(text)).toHaveProperty("fault");
  });

  test("accepts an empty tree, extension lines and any origin", () => {
    const text = `go.sum database tree\n0\n${root}\nmore\nand more\n`;
    expect(parseCheckpoint(text)).toMatchObject({
      checkpoint: {
        origin: "go.sum database tree",
        size: 0,
        extensions: ["more", "and more"],
      },
    });
  });
});

describe("a checkpoint that a public log published", () => {
  const policy = readPolicy(
    `log ${PUBLISHED_LOG}\nwitness remora ${PUBLISHED_WITNESS}\nquorum remora\n`,
  );

  test("opens with the keys of the log and of a witness", async () => {
    expect(await openCheckpoint(PUBLISHED, policy)).toMatchObject({
      checkpoint: { size: 1_432_088_532 },
      cosigned: new Map([["remora", PUBLISHED_TIME]]),
      isQuorum: true,
    });
  });

  test("does not open with another size, timestamp or origin", async () => {
    const changes: [string, string][] = [
      ["1432088532", "1432088533"],
      ["U7WM79", "U7WM78"],
      ["2net5wAAAABqEiEg", "2net5wAAAABqEiEh"],
      ["arche2025h1.staging.ct.transparency.dev\n143", "arche\n143"],
    ];
    for (const [from, to] of changes) {
      const content = PUBLISHED.replace(from, to);
      expect(content).not.toBe(PUBLISHED);
      expect(await openCheckpoint(content, policy)).toHaveProperty("fault");
    }
  });

  test("has no quorum without the witness's cosignature", async () => {
    const lines = PUBLISHED.split("\n");
    const content = lines.filter((line) => !line.includes("remora")).join("\n");
    expect(await openCheckpoint(content, policy))
      .toMatchObject({ cosigned: new Map(), isQuorum: false });
  });

  test("does not open with the witness's cosignature alone", async () => {
    const lines = PUBLISHED.split("\n");
    const content = lines.filter((line) => !line.includes(" ui8GwCF1")).join(
      "\n",
    );
    expect(await openCheckpoint(content, policy))
      .toEqual({ fault: "is not signed by a known key of its origin" });
  });
});

describe("a signed checkpoint", () => {
  test("opens with the key of its log only", async () => {
    const { signer, vkey } = await makeSigner("example.com/ledger", "note");
    const other = await makeSigner("example.com/ledger", "note");
    const content = await signCheckpoint({ size: 0, root: EMPTY_ROOT }, signer);
    expect(
      await openCheckpoint(content, readPolicy(`log ${vkey}\nquorum none\n`)),
    ).toMatchObject({ checkpoint: { size: 0 }, isQuorum: true });
    const foreign = readPolicy(`log ${other.vkey}\nquorum none\n`);
    expect(await openCheckpoint(content, foreign)).toHaveProperty("fault");
  });

  test("does not open when the key of another log signed it", async () => {
    const [log, otherLog] = await Promise.all([
      makeSigner("example.com/one", "note"),
      makeSigner("example.com/other", "note"),
    ]);
    const text = formatCheckpoint({
      origin: "example.com/one",
      size: 0,
      root: EMPTY_ROOT,
      extensions: [],
    });
    const signatures = [await signNote(text, otherLog.signer)];
    const policy = readPolicy(
      `log ${log.vkey}\nlog ${otherLog.vkey}\nquorum none\n`,
    );
    expect(await openCheckpoint(formatNote({ text, signatures }), policy))
      .toEqual({ fault: "is not signed by a known key of its origin" });
  });
});

test("a checkpoint does not open with a cosignature alone, even by a witness of the log's name", async () => {
  const [log, witness] = await Promise.all([
    makeSigner("example.com/ledger", "note"),
    makeSigner("example.com/ledger", "cosignature"),
  ]);
  const policy = readPolicy(
    `log ${log.vkey}\nwitness w ${witness.vkey}\nquorum w\n`,
  );
  const { text } = readNote(
    await signCheckpoint({ size: 0, root: EMPTY_ROOT }, log.signer),
  );
  const signatures = [await cosign(text, witness.signer, 1n)];
  expect(await openCheckpoint(formatNote({ text, signatures }), policy))
    .toEqual({ fault: "is not signed by a known key of its origin" });
});

describe("a cosignature", () => {
  const { text } = readNote(PUBLISHED);

  test("carries its timestamp, up to the greatest one", async () => {
    const { signer } = await makeSigner("witness.example/w", "cosignature");
    const { publicKey } = signer.verifier;
    for (const time of [0n, 1n, 1_700_000_000n, 2n ** 63n - 1n]) {
      const { bytes } = await cosign(text, signer, time);
      expect(await verifyCosignature(text, bytes, publicKey)).toBe(time);
    }
    const { bytes } = await cosign(text, signer, 2n ** 63n);
    expect(await verifyCosignature(text, bytes, publicKey)).toBeNull();
  });

  test("verifies for one text, one timestamp and its full length only", async () => {
    const { signer } = await makeSigner("witness.example/w", "cosignature");
    const { publicKey } = signer.verifier;
    const { bytes } = await cosign(text, signer, 5n);
    expect(await verifyCosignature(text + "more\n", bytes, publicKey))
      .toBeNull();
    const later = bytes.with(7, 6);
    expect(await verifyCosignature(text, later, publicKey)).toBeNull();
    for (
      const wrong of [bytes.slice(1), bytes.slice(0, -1), new Uint8Array()]
    ) {
      expect(await verifyCosignature(text, wrong, publicKey)).toBeNull();
    }
  });

  test("does not verify when it is a note signature by the same key", async () => {
    const key = readKey(PUBLISHED_WITNESS);
    const note = readNote(PUBLISHED);
    const cosigned = note.signatures.find(({ name }) => name === key.name)!;
    const signature = cosigned.bytes.slice(8);
    expect(await verifyCosignature(text, signature, key.publicKey)).toBeNull();
  });

  test("needs a cosignature key", async () => {
    const { signer } = await makeSigner("example.com/ledger", "note");
    await expect(cosign(text, signer, 1n)).rejects.toThrow(TypeError);
  });
});
