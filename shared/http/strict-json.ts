import { MAX_JSON_DEPTH } from "../limits.ts";
import { findEnd } from "./split-json.ts";

/** The path of a value: keys and array indexes from the root. */
export type JsonPath = (string | number)[];

/** An issue of valid JSON that cannot be stored as it was sent. */
export type JsonIssue = {
  path: JsonPath;
  code:
    | "duplicate_key"
    | "forbidden_key"
    | "inexact_number"
    | "invalid_json"
    | "invalid_text";
  detail: string;
};

/** The text is not JSON (RFC 8259) or nested too deeply; `message` says where. */
export class JsonSyntaxError extends SyntaxError {
  override name = "JsonSyntaxError";
}

// Control characters must be escaped in a JSON string (RFC 8259 §7).
// deno-lint-ignore no-control-regex
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** What Python's json.dumps writes for numbers that JSON does not have. */
const NOT_FINITE = /NaN|-?Infinity/y;
const EXPONENT = /[eE]/;
const ESCAPES: Record<string, string> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
/** Decimal digits that a double always keeps (IEEE 754 binary64). */
const SAFE_DIGITS = 15;

/**
 * Parses JSON (RFC 8259) without silent loss. It reports as issues what `JSON.parse`
 * would drop or change, duplicate keys (RFC 7493 §2.3) and numbers with more digits
 * than a double keeps (§2.2), and text that Postgres cannot store (NUL, lone
 * surrogates). Without issues the value equals that of `JSON.parse`.
 *
 * A `lenient` parser also reads `NaN`, `Infinity`, `-Infinity` and values that are nested
 * deeper than `MAX_JSON_DEPTH`: as null, with an issue.
 *
 * @param options.toNumber makes the value of a number from its text, which is then exact.
 * @throws {JsonSyntaxError} for text that is not JSON, or nested deeper than
 * `MAX_JSON_DEPTH`.
 */
export function parseStrictJson(
  text: string,
  { lenient = false, toNumber }: {
    lenient?: boolean;
    toNumber?: (source: string) => unknown;
  } = {},
): { value: unknown; issues: JsonIssue[] } {
  const issues: JsonIssue[] = [];
  const path: JsonPath = [];
  let at = 0;

  function fail(wanted: string): never {
    const found = at < text.length
      ? `character ${at + 1} is unexpected`
      : "the text ends too early";
    throw new JsonSyntaxError(
      `Cannot parse JSON: ${found}, expected ${wanted}`,
    );
  }

  function addIssue(code: JsonIssue["code"], detail: string, last?: string) {
    issues.push({
      path: last === undefined ? [...path] : [...path, last],
      code,
      detail,
    });
  }

  function skipSpace() {
    for (let c = text.charCodeAt(at); isSpace(c);) c = text.charCodeAt(++at);
  }

  function accept(char: string): boolean {
    skipSpace();
    if (text[at] !== char) return false;
    at++;
    return true;
  }

  function readPlain(): string {
    const start = at;
    PLAIN.lastIndex = at;
    PLAIN.test(text);
    at = PLAIN.lastIndex;
    return text.slice(start, at);
  }

  function readString(): string {
    at++;
    let result = readPlain();
    while (text[at] === "\\") {
      result += readEscape();
      result += readPlain();
    }
    if (text[at] !== '"') fail("the end of a string");
    at++;
    if (result.includes("\0") || !result.isWellFormed()) {
      addIssue(
        "invalid_text",
        "Holds NUL or a lone surrogate, which Postgres cannot store; remove it",
      );
    }
    return result;
  }

  function readEscape(): string {
    const escape = text[at + 1];
    if (escape === "u") {
      const hex = text.slice(at + 2, at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) {
        fail("four hexadecimal digits after \\u");
      }
      at += 6;
      return String.fromCharCode(parseInt(hex, 16));
    }
    const char = ESCAPES[escape];
    if (char === undefined) fail("a valid escape");
    at += 2;
    return char;
  }

  function readNumber(): unknown {
    NUMBER.lastIndex = at;
    if (!NUMBER.test(text)) return skipNotFinite();
    const source = text.slice(at, NUMBER.lastIndex);
    at = NUMBER.lastIndex;
    if (toNumber) return toNumber(source);
    const value = Number(source);
    const short = source.length <= SAFE_DIGITS && !EXPONENT.test(source);
    if (!short && !isExact(source, value)) {
      addIssue(
        "inexact_number",
        "Has more digits than a double keeps; send it as a string",
      );
    }
    return value;
  }

  function skipNotFinite(): null {
    NOT_FINITE.lastIndex = at;
    if (!lenient || !NOT_FINITE.test(text)) fail("a value");
    at = NOT_FINITE.lastIndex;
    addIssue("inexact_number", "Is not a finite number; send null");
    return null;
  }

  function readWord<Value>(word: string, value: Value): Value {
    if (!text.startsWith(word, at)) fail("a value");
    at += word.length;
    return value;
  }

  function readObject(depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    if (accept("}")) return object;
    do {
      skipSpace();
      if (text[at] !== '"') fail("a key in double quotes");
      const key = readString();
      if (!accept(":")) fail("a colon");
      if (key === "__proto__") {
        addIssue(
          "forbidden_key",
          "The key __proto__ is not allowed; rename it",
        );
      } else if (Object.hasOwn(object, key)) {
        addIssue(
          "duplicate_key",
          "The key is given more than once; send it once",
          key,
        );
      }
      path.push(key);
      const value = readValue(depth);
      path.pop();
      if (key !== "__proto__") object[key] = value;
    } while (accept(","));
    if (!accept("}")) fail("a comma or a closing brace");
    return object;
  }

  function readArray(depth: number): unknown[] {
    const array: unknown[] = [];
    if (accept("]")) return array;
    do {
      path.push(array.length);
      array.push(readValue(depth));
      path.pop();
    } while (accept(","));
    if (!accept("]")) fail("a comma or a closing bracket");
    return array;
  }

  function readValue(depth: number): unknown {
    skipSpace();
    switch (text[at]) {
      case '"':
        return readString();
      case "{":
        return enter(depth) ? readObject(depth + 1) : null;
      case "[":
        return enter(depth) ? readArray(depth + 1) : null;
      case "t":
        return readWord("true", true);
      case "f":
        return readWord("false", false);
      case "n":
        return readWord("null", null);
      default:
        return readNumber();
    }
  }

  /** Enters an object or array; false for one that is too deep, which is skipped. */
  function enter(depth: number): boolean {
    if (depth < MAX_JSON_DEPTH) {
      at++;
      return true;
    }
    const detail = `nested deeper than ${MAX_JSON_DEPTH} levels`;
    const end = lenient ? findEnd(text, at) : null;
    if (end === null) throw new JsonSyntaxError(`Cannot parse JSON: ${detail}`);
    addIssue("invalid_json", `Is ${detail}; send less`);
    at = end;
    return false;
  }

  const value = readValue(0);
  skipSpace();
  if (at < text.length) fail("the end of the text");
  return { value, issues };
}

/** Whether a UTF-16 code unit is white space between tokens (RFC 8259 §2). */
export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Whether a double prints as the decimal that it was parsed from. */
function isExact(source: string, value: number): boolean {
  return Number.isFinite(value) &&
    normalizeDecimal(source) === normalizeDecimal(String(value));
}

/** A decimal as its significant digits and a power of ten: 1.50e3 → 15e2. */
function normalizeDecimal(text: string): string {
  const [, sign, whole, fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text)!;
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0";
  const power = Number(exponent) - fraction.length +
    (digits.length - significant.length);
  return `${sign}${significant}e${power}`;
}
