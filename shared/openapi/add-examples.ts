import type { Log } from "../logs/log.ts";
import type { Example } from "./example.ts";
import type { Operation, Route } from "./operation.ts";
import { ownParts } from "./own-parts.ts";
import { readExamples } from "./read-examples.ts";
import { recordExamples } from "./record-examples.ts";
import type { Json } from "./schemas.ts";

/**
 * Puts a log's examples into its operations. The parts of one example have the
 * same key in parameters, request body and response; there, `x-credential` names
 * the security scheme that it goes with.
 */
export async function addExamples(
  log: Log,
  routes: Record<string, Route>,
): Promise<void> {
  const examples = [
    ...await recordExamples(log),
    ...readExamples(log),
    ...await ownParts(log).examples(log),
  ];
  for (const example of examples) {
    addExample(routes[example.operation].operation, example);
  }
}

function addExample(operation: Operation, example: Example): void {
  const { name, request, status, reply } = example;
  for (const parameter of operation.parameters) {
    if (parameter.name in example.parameters) {
      put(parameter, name, { value: example.parameters[parameter.name] });
    }
  }
  if (request) {
    put(operation.requestBody!.content[request.type], name, {
      value: request.body,
    });
  }
  put(operation.responses[status].content![reply.type], name, {
    "x-credential": example.credential,
    value: reply.body,
  });
}

function put(
  target: Json & { examples?: Json },
  name: string,
  example: Json,
): void {
  (target.examples ??= {})[name] = example;
}
