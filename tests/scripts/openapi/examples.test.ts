import { describe, expect, test } from "vitest";
import { LOGS } from "../../../shared/logs/index.ts";
import { createDocument } from "../../../scripts/openapi/create-document.ts";
import {
  ENGINES,
  type RunningStack,
  USER,
  useStack,
} from "../../support/running-stack.ts";
import { DocumentSchemas } from "../../support/document-schemas.ts";
import { type DocumentedExample, examplesIn } from "./documented-examples.ts";

const document = await createDocument(LOGS);
const schemas = new DocumentSchemas(document);

/** Sends an example, and checks the answer against the document. */
async function send(ledger: RunningStack, example: DocumentedExample) {
  let path = example.path;
  const query = new URLSearchParams();
  for (const { in: place, name, value } of example.parameters) {
    if (place === "path") path = path.replace(`{${name}}`, String(value));
    if (place !== "query") continue;
    for (const one of [value].flat()) query.append(name, String(one));
  }
  const headers: HeadersInit = { accept: example.reply.type };
  if (example.credential === "secretKey") {
    headers.apikey = ledger.stack.secretKey;
  } else {
    const token = await ledger.stack.signUserToken(USER);
    headers.authorization = `Bearer ${token}`;
  }
  const { type, body } = example.request ?? {};
  if (type) headers["content-type"] = type;
  const response = await fetch(
    `${ledger.stack.url}/functions/v1${path}?${query}`,
    {
      method: example.method,
      headers,
      body: body === undefined || typeof body === "string"
        ? body
        : JSON.stringify(body),
    },
  );
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: /json$/.test(example.reply.type) && !/ndjson/.test(example.reply.type)
      ? JSON.parse(text)
      : text,
  };
}

describe.each(ENGINES)("the examples on %s", (engine) => {
  const ledger = useStack(engine);

  test.each(examplesIn(document).map((example) => [example.title, example]))(
    "%s",
    async (_title, example) => {
      const answer = await send(ledger, example);
      const { status, reply } = example;
      expect([answer.status, answer.body.detail]).toEqual([
        status,
        (reply.body as { detail?: string }).detail,
      ]);
      expect(answer.headers.get("content-type")).toContain(reply.type);
      expect(schemas.answerFaults({
        ...example,
        type: reply.type,
        body: answer.body,
      })).toEqual([]);
      expect(withoutOccasion(answer.body, example))
        .toEqual(withoutOccasion(reply.body, example));
      expect(undocumentedHeaders(answer.headers, example)).toEqual([]);
    },
  );
});

/** A body without the time and the address of a user's request, which an example cannot fix. */
function withoutOccasion(body: unknown, example: DocumentedExample): unknown {
  if (example.credential !== "userToken") return body;
  const log = LOGS.find(({ slug }) => example.path === `/${slug}`)!;
  const { [log.timeColumn]: _time, ...rest } = body as Record<string, unknown>;
  if (log.userWrites?.addressColumn) delete rest[log.userWrites.addressColumn];
  return rest;
}

/** Our headers (not those of HTTP and of CORS) that the document does not name. */
function undocumentedHeaders(
  headers: Headers,
  { path, method, status }: DocumentedExample,
): string[] {
  const documented = Object.keys(
    document.paths[path][method].responses[status].headers as object,
  );
  const usual =
    /^(access-control-.*|content-(type|length|encoding)|date|vary|cache-control|connection|transfer-encoding|keep-alive)$/;
  return [...headers.keys()].filter((name) =>
    !usual.test(name) && !documented.includes(name)
  );
}
