import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signMessage } from "../../shared/webhooks/signatures.ts";
import { FIRM, newId, NOBODY, USER } from "../support/running-stack.ts";
import {
  createHook,
  createNewHook,
  HOOK_ANSWERS,
} from "../support/supabase-payloads.ts";
import {
  readLines,
  type SpawnedStack,
  startSpawnedStack,
} from "../support/spawned-stack.ts";
import {
  AUTH_SECRETS,
  countRows,
  FUNCTION_ENV,
  postSigned,
} from "../support/receiving-stack.ts";

const PATH = "webhooks/auth";
const [{ bytes: secret }] = AUTH_SECRETS;
const sign = { id: "msg_1", secret };

/** Reasons why an event cannot be recorded. */
const UNRECORDABLE: [string, Record<string, unknown>, string][] = [
  ["a malformed firm in the URL", {}, "?firm_id=acme"],
  ["an unknown parameter in the URL", {}, "?colour=red"],
  ["metadata without uuid", { metadata: { name: "x" } }, ""],
  ["a time in the future", {
    metadata: {
      name: "mfa-verification",
      uuid: newId(),
      time: "2200-01-01T00:00:00Z",
    },
  }, `?firm_id=${FIRM}`],
  ["a firm that does not exist", {
    metadata: { name: "after-user-created", uuid: newId() },
    user: { id: USER, app_metadata: { firm_id: NOBODY } },
  }, ""],
];

describe("an unrecordable Auth hook", () => {
  let receiver: SpawnedStack;
  beforeAll(async () => {
    receiver = await startSpawnedStack({
      memory: true,
      functionEnv: FUNCTION_ENV,
    });
  });
  afterAll(() => receiver?.end());

  test.each(UNRECORDABLE)(
    "gets the answer that Auth needs, for %s",
    async (_, changes, query) => {
      const { ledger } = receiver;
      const before = await countRows(ledger);
      for (const [name, answer] of HOOK_ANSWERS) {
        const { status, headers, body } = await postSigned(
          ledger,
          PATH,
          createHook(name, changes),
          sign,
          { query },
        );
        expect(status).toBe(200);
        expect(headers.get("content-type")).toBe("application/json");
        expect(body).toEqual(answer);
      }
      expect(await countRows(ledger)).toBe(before);
    },
  );

  test.each(["", "{", "null", "[", "\u0000", '"text"'])(
    "gets the answer {} for the body %j",
    async (body) => {
      const answer = await postSigned(receiver.ledger, PATH, body, sign);
      expect([answer.status, answer.body]).toEqual([200, {}]);
    },
  );

  test("gets the answer {} for another media type, and for invalid UTF-8", async () => {
    const { ledger } = receiver;
    const odd = await postSigned(ledger, PATH, "{}", sign, {
      headers: { "content-type": "text/plain" },
    });
    expect([odd.status, odd.body]).toEqual([200, {}]);
    const body = new Uint8Array([0x7b, 0xff, 0x7d]);
    const message = { id: "m", time: new Date(), body };
    const headers = await signMessage(message, secret);
    const broken = await ledger.post(PATH, body, {
      headers: { apikey: null, ...headers },
    });
    expect([broken.status, broken.body]).toEqual([200, {}]);
  });

  test.each(["send-email", "send-sms"])(
    "%s gets an error, because no message is sent",
    async (name) => {
      const { status, body } = await postSigned(
        receiver.ledger,
        PATH,
        createNewHook(name),
        sign,
      );
      expect(status).toBe(200);
      expect(body.error).toMatchObject({ http_code: 500 });
    },
  );

  test("is in the access log once, with the reason and without content", async () => {
    const printed = await receiver.end();
    const messages = readLines(printed).flatMap(({ error }) =>
      error ? [`${error.message}: ${error.cause.message}`] : []
    );
    expect(messages).toHaveLength(
      UNRECORDABLE.length * HOOK_ANSWERS.length + 10,
    );
    const reasons = [
      "The query parameter firm_id is malformed",
      "The query parameter colour is unknown",
      "Expected the UUID that Auth gives an invocation",
      "Is more than 5 minutes in the future",
      "Refers to a row that does not exist; create it first",
      "The body is empty",
      "Cannot parse JSON",
      "Expected the payload of an Auth hook",
      "The Content-Type is not supported",
      "The body is not UTF-8; encode it in UTF-8",
      "This hook delivers messages and is not an audit source",
    ];
    for (const reason of reasons) {
      expect(messages.some((message) => message.includes(reason))).toBe(true);
    }
    expect(printed).not.toMatch(/person@|Person|305805|561166|acme|whsec_/);
  });
});
