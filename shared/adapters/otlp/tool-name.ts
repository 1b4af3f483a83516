import { ALIASES, findText } from "./attribute-names.ts";
import type { Span } from "./span.ts";

/** Span names that hold the name of a tool, by the conventions and OpenLLMetry. */
const SPAN_NAME = /^(?:execute_tool|tools\/call)\s+(\S.*)$|^(\S.*)\.tool$/;

/** The name of the tool that a span used, "" when it says none. */
export function readToolName({ attributes, name }: Span): string {
  const found = findText(attributes, ALIASES.toolName);
  if (found !== "") return found;
  const [, convention, openLLMetry] = SPAN_NAME.exec(name.trim()) ?? [];
  return convention ?? openLLMetry ?? "";
}
