import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { redactSecrets } from "../../shared/redaction/secrets.ts";
import { readText, toOriginal } from "../../shared/redaction/text.ts";

const textsOf = (text: string) => readText(text).map((reading) => reading.text);

describe("the readings of a text", () => {
  test.each([
    ["plain ASCII\twith\nwhite space", ["plain ASCII\twith\nwhite space"]],
    ["ｐａｓｓ＝１", ["pass=1"]],
    ["é\u0301ñ", ["en"]],
    ["❹➊⓵🄋⓿", ["41100"]],
    ["四〇壹", ["401"]],
    ["a\u2010b\u00a0c\u2019", ["a-b c'"]],
    ["a\u200bb", ["ab", "a b"]],
    ["a\u00adb", ["ab", "a-b"]],
    ["﷼5", ["¤5"]],
    ["⑿", ["(12)"]],
    ["\ufdfa", ["\ufdfa"]],
  ])("of %j are %j", (text, readings) => {
    expect(textsOf(text)).toEqual(readings);
  });

  test("have at most four times the length of the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        for (const reading of readText(text)) {
          expect(reading.text.length).toBeLessThanOrEqual(4 * text.length);
          expect(reading.offsets?.length ?? reading.text.length + 1)
            .toBe(reading.text.length + 1);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("map each span to whole characters of the text, and the invisible ones behind them", () => {
    const text = "x＄⑿\u200b5";
    const [joined] = readText(text);
    expect(joined.text).toBe("x$(12)5");
    const shown = (start: number, end: number) => {
      const span = toOriginal(joined, { start, end });
      return text.slice(span.start, span.end);
    };
    expect(shown(1, 2)).toBe("＄");
    expect(shown(3, 4)).toBe("⑿\u200b");
    expect(shown(1, 7)).toBe("＄⑿\u200b5");
  });
});

describe("redaction keeps all other text", () => {
  test.each([
    ["é 4111·1111·1111·1111 ü", "é [redacted:card_number] ü"],
    ["«❹➊➊➊➊➊➊➊➊➊➊➊➊➊➊➊»", "«[redacted:card_number]»"],
    ["👩‍👧 DE89.3704.0044.0532.0130.00 👩‍👧", "👩‍👧 [redacted:iban] 👩‍👧"],
    ["ssn\u200b 123456789 ok", "ssn\u200b [redacted:ssn] ok"],
    ["card\u200b4111111111111111", "card\u200b[redacted:card_number]"],
    ["ｐｗｄ＝ｈｕｎｔｅｒ２ ａ", "ｐｗｄ＝[redacted:password] ａ"],
    [
      "CVV 123, A/C no. 00123456",
      "CVV [redacted:security_code], A/C no. [redacted:account_number]",
    ],
    ["PAN ABCPE1234F 27AAPFU0939F1ZV", "PAN [redacted:pan] [redacted:gstin]"],
    ["of 2341 2341 2346, 078-05-1120", "of [redacted:aadhaar], [redacted:ssn]"],
    ["4111\\n1111\\n1111\\n1111 paid $5", "[redacted:card_number] paid $5"],
    [
      "4111111111111111, 5555 5555 5555 4444 and password hunter2",
      "[redacted:card_number], [redacted:card_number] and password [redacted:password]",
    ],
  ])("of %j", (text, redacted) => {
    expect(redactSecrets(text)).toBe(redacted);
    expect(redactSecrets(redacted)).toBe(redacted);
  });

  test("beside hidden values of both readings", () => {
    expect(redactSecrets("é x\u200bpassword=hunter2 pass\u200bword=hunter3"))
      .toBe(
        "é x\u200bpassword=[redacted:password] pass\u200bword=[redacted:password]",
      );
  });
});
