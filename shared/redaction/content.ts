import {
  type FinancialKind,
  findFinancialData,
  findIdentifier,
} from "./financial.ts";
import { findSecret } from "./secrets.ts";

/** An issue of the content of a text. */
export interface ContentIssue {
  code: "financial_data" | "secret";
  /** The fact, then the remedy. Never holds the content. */
  detail: string;
}

const FINANCIAL_NAMES: Readonly<Record<FinancialKind, string>> = {
  currency_amount: "an amount of money",
  card_number: "a payment card number",
  iban: "an IBAN",
  pan: "an Indian PAN",
  gstin: "an Indian GSTIN",
  aadhaar: "an Indian Aadhaar number",
  ssn: "a US Social Security number",
  account_number: "a bank account number",
  security_code: "the security code of a card",
};

/** A short word or a UUID, as most values are: the form of no sensitive value. */
const PLAIN_VALUE =
  /^(?:[a-z_]{1,15}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** Which content is an issue, and how the sentence starts. */
export interface ContentOptions {
  /** `a key here `, or nothing for a value. */
  prefix?: string;
  /** Whether amounts of money are acceptable. */
  allowsAmounts?: boolean;
  /** How the sentence ends. */
  remedy?: string;
}

/** The issues of a text: at most one for financial data and one for a secret. */
export function findContentIssues(
  text: string,
  {
    prefix = "",
    allowsAmounts = false,
    remedy = "send references and counts only",
  }: ContentOptions = {},
): ContentIssue[] {
  if (PLAIN_VALUE.test(text)) return [];
  const issues: ContentIssue[] = [];
  const financial = allowsAmounts
    ? findIdentifier(text)
    : findFinancialData(text);
  if (financial !== null) {
    const detail = `${prefix}looks like ${
      FINANCIAL_NAMES[financial]
    }; ${remedy}`;
    issues.push({ code: "financial_data", detail });
  }
  const secret = findSecret(text);
  if (secret !== null) {
    const name = secret.replaceAll("_", " ");
    const detail = `${prefix}looks like a secret (${name}); ${remedy}`;
    issues.push({ code: "secret", detail });
  }
  return issues;
}
