import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { Document } from "../../scripts/openapi/create-document.ts";

const PROBLEM_TYPE = "application/problem+json";

/** Checks values against the schemas of a document, found by JSON Pointer. */
export class DocumentSchemas {
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });

  readonly #document: Document;

  constructor(document: Document) {
    this.#document = document;
    addFormats.default(this.#ajv);
    this.#ajv.addFormat("decimal", /^-?\d+(?:\.\d+)?$/);
    this.#ajv.addSchema(close(document) as Document, "document");
  }

  /** What is wrong with a value, one line each. */
  faults(value: unknown, ...path: string[]): string[] {
    const validate = this.#compile(path);
    validate(value);
    return (validate.errors ?? []).map((error) =>
      `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`
    );
  }

  /**
   * What is wrong with the body of an answer, as the operation documents it;
   * a status or media type that it does not document is wrong, too.
   */
  answerFaults(
    { path, method = "get", status, type = PROBLEM_TYPE, body }: {
      path: string;
      method?: string;
      status: number;
      type?: string;
      body: unknown;
    },
  ): string[] {
    const { responses } = this.#document.paths[path][method];
    const response = responses[status];
    if (response === undefined) return [`${status} is not documented`];
    const shared = /^#\/components\/responses\/(\w+)$/
      .exec(String(response.$ref));
    const place = shared
      ? ["components", "responses", shared[1]]
      : ["paths", path, method, "responses", String(status)];
    return this.faults(body, ...place, "content", type, "schema");
  }

  #compile(path: string[]): ValidateFunction {
    const pointer = path.map((step) =>
      "/" + encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1"))
    );
    return this.#ajv.compile({ $ref: `document#${pointer.join("")}` });
  }
}

/**
 * The same document with schemas that allow no member but those they name, so
 * that an answer with an undocumented member fails. The parts of allOf see each
 * other's members, so they stay as they are.
 */
function close(part: unknown, open = false): unknown {
  if (Array.isArray(part)) return part.map((one) => close(one, open));
  if (typeof part !== "object" || part === null) return part;
  const copy: Record<string, unknown> = Object.fromEntries(
    Object.entries(part).map(([name, value]) => [
      name,
      close(value, name === "allOf"),
    ]),
  );
  if (!open && copy.type === "object" && "properties" in copy) {
    copy.additionalProperties ??= false;
  }
  return copy;
}
