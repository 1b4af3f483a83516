import type { Document } from "../../../scripts/openapi/create-document.ts";
import type { Operation } from "../../../scripts/openapi/operation.ts";

type Examples = Record<string, { value: unknown; "x-credential"?: string }>;

/** An example as a document describes it. */
export type DocumentedExample = {
  title: string;
  path: string;
  method: string;
  name: string;
  credential: string;
  /** Query, path and header parameters, by `in` and name. */
  parameters: { in: string; name: string; value: unknown }[];
  request?: { type: string; body: unknown };
  status: number;
  reply: { type: string; body: unknown };
};

/** Every operation of a document. */
export function* operationsIn(
  document: Document,
): Generator<{ path: string; method: string; operation: Operation }> {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      yield { path, method, operation };
    }
  }
}

/** Every example of a document; those that record something first come first. */
export function examplesIn(document: Document): DocumentedExample[] {
  const found: DocumentedExample[] = [];
  for (const { path, method, operation } of operationsIn(document)) {
    for (const [status, response] of Object.entries(operation.responses)) {
      for (const [type, media] of Object.entries(response.content ?? {})) {
        const examples = (media.examples ?? {}) as Examples;
        for (const [name, { value, ...more }] of Object.entries(examples)) {
          found.push({
            title: `${method} ${path} ${name} → ${status}`,
            path,
            method,
            name,
            credential: String(more["x-credential"]),
            parameters: parametersOf(operation, name),
            request: requestOf(operation, name),
            status: Number(status),
            reply: { type, body: value },
          });
        }
      }
    }
  }
  const rank = ({ method, status }: DocumentedExample) =>
    method === "get" ? 2 : status === 201 ? 0 : 1;
  return found.sort((a, b) => rank(a) - rank(b));
}

function parametersOf(
  { parameters }: Operation,
  name: string,
): DocumentedExample["parameters"] {
  return parameters.flatMap((parameter) => {
    const example = (parameter.examples as Examples | undefined)?.[name];
    return example === undefined ? [] : [{
      in: String(parameter.in),
      name: parameter.name,
      value: example.value,
    }];
  });
}

function requestOf(
  { requestBody }: Operation,
  name: string,
): DocumentedExample["request"] {
  for (const [type, media] of Object.entries(requestBody?.content ?? {})) {
    const example = (media.examples as Examples | undefined)?.[name];
    if (example !== undefined) return { type, body: example.value };
  }
}
