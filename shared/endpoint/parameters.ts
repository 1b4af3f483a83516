import { createProblem, ProblemError } from "./problem.ts";

/** Parameters that the platform itself reads from a function's URL. */
const PLATFORM = new Set(["forceFunctionRegion"]);

/** What the query of a POST request may say. */
export type RecordParameters = { atomic: boolean };

/** @throws {ProblemError} 400 that names an unknown or malformed parameter. */
export function readRecordParameters(query: URLSearchParams): RecordParameters {
  for (const name of query.keys()) {
    if (name !== "atomic" && !PLATFORM.has(name)) {
      throw invalid(name, "is unknown; POST takes atomic=true or false");
    }
  }
  const values = query.getAll("atomic");
  const [value = "false"] = values;
  if (values.length > 1 || (value !== "true" && value !== "false")) {
    throw invalid("atomic", "must be true or false, once");
  }
  return { atomic: value === "true" };
}

function invalid(name: string, fault: string) {
  const shown = name.length > 64 ? `${name.slice(0, 64)}…` : name;
  return new ProblemError(
    createProblem("invalid_parameter", `The query parameter ${shown} ${fault}`),
  );
}
