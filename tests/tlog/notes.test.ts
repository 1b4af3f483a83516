import { describe, expect, test } from "vitest";
import {
  formatNote,
  MAX_NOTE_LENGTH,
  MAX_SIGNATURES,
  parseNote,
  signNote,
  verifyNote,
} from "../../shared/tlog/note.ts";
import {
  createKeys,
  parseSignerKey,
  parseVerifierKey,
} from "../../shared/tlog/keys.ts";
import { readKey, readNote, readSigner } from "../support/tlog-parsers.ts";

/** The examples of C2SP signed-note. */
const EXAMPLE_KEY =
  "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const EXAMPLE = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`;
const POEM = `Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
`;

describe("the example of C2SP signed-note", () => {
  test("verifies with its key", async () => {
    const note = readNote(EXAMPLE);
    const key = readKey(EXAMPLE_KEY);
    expect(note.text).toBe("This is an example message.\n");
    expect(await verifyNote(note, [key])).toEqual({ verified: [{ key }] });
  });

  test("parses with blank lines in its text, and formats to the same text", () => {
    const note = readNote(POEM);
    expect(note.text.split("\n")).toHaveLength(5);
    expect(note.text.endsWith("ed è subito sera.\n")).toBe(true);
    expect(note.signatures.map(({ name, keyId }) => [name, keyId]))
      .toEqual([["quasimodo.example/salvatore", "367ba04b"]]);
    expect(formatNote(note)).toBe(POEM);
  });
});

describe("keys of other implementations", () => {
  // From the tests of Go's golang.org/x/mod/sumdb/note and of transparency-dev.
  test.each([
    [
      "PRIVATE+KEY+Log+2271c621+AdEIq9FLRQni54Wg68T96VJO+iayOaulswav2DUMKgvQ",
      "Log+2271c621+AemuH5ooBpEPcr+W8onrjA1NfuzBVHdezakU81Ekarvs",
    ],
    [
      "PRIVATE+KEY+monkeys+db4d9f7e+ATWIAF3yVBG+Hv1rZFQoNt/BaURkLPtOFMAM2HrEeIr6",
      "monkeys+db4d9f7e+AULaJMvTtDLHPUcUrjdDad9vDlh/PTfC2VV60JUtCfWT",
    ],
  ])(
    "%s sign notes that the verifier key verifies",
    async (signerKey, verifierKey) => {
      const signer = await readSigner(signerKey);
      expect(signer.verifier).toEqual(readKey(verifierKey));
      const signature = await signNote("text\n", signer);
      const note = readNote(
        formatNote({ text: "text\n", signatures: [signature] }),
      );
      expect(await verifyNote(note, [readKey(verifierKey)])).toHaveProperty(
        "verified",
      );
    },
  );

  test("have a cosignature type or a note type", () => {
    const key = readKey(
      "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    );
    expect(key).toMatchObject({ type: "cosignature", id: "da77ade7" });
  });
});

describe("new keys", () => {
  test("verify their own signatures, and depend on the seed", async () => {
    const seed = new Uint8Array(32).fill(7);
    const keys = await createKeys("example.com/ledger", "note", seed);
    expect(await createKeys("example.com/ledger", "note", seed)).toEqual(keys);
    expect(await createKeys("example.com/ledger", "note")).not.toEqual(keys);
    const signer = await readSigner(keys.signerKey);
    const signatures = [await signNote("1\n", signer)];
    const verifier = readKey(keys.verifierKey);
    expect(await verifyNote({ text: "1\n", signatures }, [verifier]))
      .toEqual({ verified: [{ key: verifier }] });
  });

  test("have an id per name and type", async () => {
    const seed = new Uint8Array(32).fill(7);
    const ids = await Promise.all([
      createKeys("a", "note", seed),
      createKeys("b", "note", seed),
      createKeys("a", "cosignature", seed),
    ]);
    const unique = new Set(
      ids.map(({ verifierKey }) => readKey(verifierKey).id),
    );
    expect(unique.size).toBe(3);
  });

  test.each(["", "a b", "a+b", "a\u00a0b", "a\u2028", "\u3000", "\ud800"])(
    "are not created for the name %j",
    async (name) => {
      await expect(createKeys(name, "note")).rejects.toThrow(RangeError);
    },
  );

  test("are not created from a short seed", async () => {
    await expect(createKeys("a", "note", new Uint8Array(31)))
      .rejects.toThrow("32 bytes");
  });
});

describe("the key parsers", () => {
  const material = EXAMPLE_KEY.slice("example.com/foo+530d903a+".length);
  test.each([
    "",
    "example.com/foo",
    "example.com/foo+530d903a",
    `example.com/foo+530d903b+${material}`,
    `example.com/fox+530d903a+${material}`,
    `example.com/foo+530D903A+${material}`,
    `example.com/foo+530d903+${material}`,
    `+530d903a+${material}`,
    `example.com/foo+530d903a+${material.slice(0, -4)}`,
    `example.com/foo+530d903a+${material}=`,
    `example.com/foo+530d903a+Aw${material.slice(2)}`,
    EXAMPLE_KEY + "\n",
    EXAMPLE_KEY + "+more",
  ])("reject the verifier key %j", (text) => {
    expect(parseVerifierKey(text)).toHaveProperty("fault");
  });

  test("reject a signer key that is a verifier key or has a wrong id", async () => {
    const { signerKey } = await createKeys("a", "note");
    const id = signerKey.split("+")[3];
    for (const text of [EXAMPLE_KEY, signerKey.replace(id, "00000000"), ""]) {
      expect(await parseSignerKey(text)).toHaveProperty("fault");
    }
  });
});

describe("parseNote()", () => {
  const [, signature] = EXAMPLE.split("\n\n");
  const many = (count: number) => `text\n\n${signature.repeat(count)}`;

  test.each([
    ["nothing", ""],
    ["only a text", "text\n"],
    ["only signatures", signature],
    ["no blank line", `text\n${signature}`],
    ["a blank line that has a space", `text\n \n${signature}`],
    ["no signature", "text\n\n"],
    ["a blank line after its signatures", `${EXAMPLE}\n`],
    ["no newline at its end", EXAMPLE.slice(0, -1)],
    ["carriage returns", EXAMPLE.replaceAll("\n", "\r\n")],
    ["a tab", EXAMPLE.replace(" is ", "\tis ")],
    ["a NUL", EXAMPLE.replace(" is ", "\0is ")],
    ["an escape", EXAMPLE.replace(" is ", "\x1bis ")],
    ["half of a surrogate pair", EXAMPLE.replace(" is ", "\ud83dis ")],
    ["a hyphen for the dash", EXAMPLE.replace("—", "-")],
    ["no name", EXAMPLE.replace(" example.com/foo", "")],
    ["a plus in a name", EXAMPLE.replace("foo Uw", "f+o Uw")],
    ["a space in a name", EXAMPLE.replace("foo Uw", "f\u2003o Uw")],
    ["two spaces", EXAMPLE.replace("foo Uw", "foo  Uw")],
    ["something after a signature", EXAMPLE.replace("QM=\n", "QM= x\n")],
    ["base64 without padding", EXAMPLE.replace("QM=\n", "QM\n")],
    ["base64 with bits to spare", EXAMPLE.replace("QM=\n", "QN=\n")],
    ["base64 of another alphabet", EXAMPLE.replace("Uw2QOkn8", "Uw2QOk-_")],
    ["a signature of nothing but an id", EXAMPLE.replace(/Uw2\S+/, "Uw2QOg==")],
    ["too many signatures", many(MAX_SIGNATURES + 1)],
    ["too much text", "x".repeat(MAX_NOTE_LENGTH) + EXAMPLE],
  ])("rejects a note with %s", (_, content) => {
    expect(parseNote(content)).toHaveProperty("fault");
  });

  test("accepts the maximum of signatures, and DEL in the text", () => {
    expect(readNote(many(MAX_SIGNATURES)).signatures)
      .toHaveLength(MAX_SIGNATURES);
    expect(readNote(EXAMPLE.replace(" is ", "\x7fis "))).toBeDefined();
  });
});

describe("verifyNote()", () => {
  const key = readKey(EXAMPLE_KEY);
  const note = readNote(EXAMPLE);
  const [genuine] = note.signatures;

  test("rejects another text, signature or key", async () => {
    const wrong = { ...genuine, bytes: genuine.bytes.map((byte) => byte ^ 1) };
    const short = { ...genuine, bytes: genuine.bytes.slice(1) };
    for (
      const forged of [
        { ...note, text: "This is another message.\n" },
        { ...note, text: note.text + "\n" },
        { ...note, signatures: [wrong] },
        { ...note, signatures: [short] },
      ]
    ) {
      expect(await verifyNote(forged, [key])).toHaveProperty("fault");
    }
    const other = { ...key, publicKey: key.publicKey.map((byte) => byte ^ 1) };
    expect(await verifyNote(note, [other])).toHaveProperty("fault");
  });

  test("rejects a note without a signature of a known key", async () => {
    for (
      const keys of [[], [{ ...key, name: "example.com/fox" }], [{
        ...key,
        id: "00000000",
      }]]
    ) {
      expect(await verifyNote(note, keys))
        .toEqual({ fault: "is not signed by a known key" });
    }
  });

  test("rejects one wrong signature among two of a known key, in either order", async () => {
    const wrong = { ...genuine, bytes: genuine.bytes.map((byte) => byte ^ 1) };
    for (const signatures of [[genuine, wrong], [wrong, genuine]]) {
      expect(await verifyNote({ ...note, signatures }, [key]))
        .toHaveProperty("fault", expect.stringContaining("invalid signature"));
    }
  });

  test("ignores signatures of unknown keys, even wrong ones", async () => {
    const strangers = [
      { ...genuine, name: "example.com/fox" },
      { ...genuine, keyId: "00000000" },
    ];
    const signatures = [strangers[0], genuine, strangers[1]];
    expect(await verifyNote({ ...note, signatures }, [key]))
      .toEqual({ verified: [{ key }] });
  });
});

describe("signNote()", () => {
  test.each(["", "no newline", "a\ttab\n", "half \udc00\n"])(
    "rejects the malformed text %j",
    async (text) => {
      const signer = await readSigner(
        (await createKeys("a", "note")).signerKey,
      );
      await expect(signNote(text, signer)).rejects.toThrow(TypeError);
    },
  );

  test("rejects a cosignature key", async () => {
    const { signerKey } = await createKeys("a", "cosignature");
    await expect(signNote("text\n", await readSigner(signerKey)))
      .rejects.toThrow(TypeError);
  });
});
