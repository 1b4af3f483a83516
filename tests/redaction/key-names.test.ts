import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  classifyKey,
  isSensitiveKey,
} from "../../shared/redaction/key-names.ts";

const SENSITIVE = [
  ["amount", "amt", "amounts", "total_amount", "totalAmount"],
  ["TotalAmount", "TOTAL_AMOUNT", "total-amount", "total amount"],
  ["total.amount", "amount2", "balance", "opening_balances", "price"],
  ["unitPrice", "prices", "cost", "cost_usd", "fee", "fees", "salary"],
  ["salaries", "wage", "payroll", "income", "netIncome", "revenue"],
  ["turnover", "profit", "loss", "losses", "tax", "taxes", "gst", "vat"],
  ["invoice_total", "invoiceTotal", "totalDue", "debit", "credit"],
  ["payment", "payments", "account_number", "accountNumber"],
  ["account_numbers", "acct_no", "acctNo", "account_no", "accountNo"],
  ["routing_number", "sortCode", "swift", "bic", "BIC", "ifsc", "ifscCode"],
  ["iban", "IBAN", "IBANs", "customerIban", "pan", "PAN", "panNumber"],
  ["pan_card", "aadhaar", "ssn", "SSN", "card", "cardNumber", "cvv"],
  ["cvv2", "cvc", "pin", "userPIN", "password", "Password", "pAssword"],
  ["dbPassword", "passwd", "pwd", "passphrase", "secret", "client_secret"],
  ["webhookSecrets", "token", "accessToken", "api_key", "apiKey", "APIKey"],
  ["API-KEY", "api_keys", "apikey", "privateKey", "access_key"],
  ["accesskey", "credential", "credentials", "authorization"],
  ["Authorization", "bearer", "cookie", "otp", "usd", "EUR"],
  ["amount_in_gbp", "inr", "rupees", "lakhs", "tokens_cost"],
  ["id_token", "count_amount", "ids_price", "account_id_number_price"],
  // Details and prepositions after the noun.
  ["amount_due", "amountPaid", "price_max", "fee_monthly", "balance_after"],
  [
    "price_per_unit",
    "cost_of_goods",
    "amount_from",
    "salary_2026",
    "tax_total",
  ],
  ["password_hash", "token_value", "iban_number", "otp_code", "card_last4"],
  ["cents", "total_cents", "bonus", "hourly_rate", "interestRate", "loan"],
  ["secret_key", "commission", "refund", "creditLimit", "deposit"],
  // Run together.
  ["accountnumber", "accountno", "acctno", "totalamount", "bankbalance"],
  ["bankaccount", "bankaccountnumber", "unitprice", "netsalary"],
  ["grosssalary", "annualturnover", "monthlyrevenue", "cardnumber"],
  ["creditcard", "creditcardnumber", "debitcard", "pannumber", "panno"],
  ["pancard", "aadhaarnumber", "ifsccode", "sortcode", "routingnumber"],
  ["gstnumber", "accesstoken", "refreshtoken", "userpassword"],
  ["clientsecret", "secretkey", "privatekey", "ACCOUNTNUMBER", "apikeys"],
  ["costusd", "customer_accountnumber"],
  // In disguise.
  ["ａｍｏｕｎｔ", "am\u200bount", "pass\u00adword", "api\u2011key"],
].flat();

const FINE = [
  ["company", "panel", "japan", "input_tokens", "inputTokens", "tokens"],
  ["tokens_used", "inputtokens", "token_count", "tokenCount"],
  ["token_usage", "token_limit", "spinner", "accountant_id", "accountant"],
  ["file_count", "document_ids", "documentIds", "status", "discard"],
  ["costa", "id", "ids", "count", "file_id", "name", "reason", "action"],
  ["entity_type", "model", "payment_id", "paymentId", "paymentID"],
  ["card_ids", "cardIDs", "price_count", "priceCount", "PRICE_COUNT"],
  ["account_id", "accountId", "amount-id", "balance.count", "iban_count"],
  ["secret_id", "password_count", "api_key_id", "taxi", "taxonomy"],
  ["syntax", "feed", "feedback", "coffee", "pricing_page", "balancer"],
  ["load_balancer", "accountability", "account", "account_name"],
  ["accounts", "bank", "discount", "discounted", "loose", "closs"],
  ["glossary", "pinned", "opinion", "pinia", "spin", "mapping", "expand"],
  ["span", "pandas", "pantry", "companion", "cardinality", "discarded"],
  ["cardiff", "wildcard", "scorecard", "dashboard", "tokenizer"],
  ["tokenized", "secretary", "passed", "passes", "passenger", "compass"],
  ["user", "key", "keys", "primary_key", "foreign_key", "idempotency_key"],
  ["public_key", "number", "page_no", "code", "sort", "sort_order"],
  ["routing", "route", "access", "access_level", "private", "api"],
  ["api_version", "invoice_number", "invoice", "order_number", "total"],
  ["total_rows", "due_date", "row_count", "input", "output", "value"],
  ["values", "unit", "net", "gross", "monthly", "vatican", "private_note"],
  ["swiftly", "bicycle", "profitable", "lossless", "waged"],
  ["revenues_team_id", "euros_id", "namespan", "rootspan", "sha256", "md5"],
  // The head is another noun.
  ["balance_sheet_found", "otp_attempts", "amount_column", "cost_center"],
  ["tax_year", "payment_status", "paymentMethod", "card_type", "token_type"],
  ["password_changed_at", "password_policy", "payment_at", "refund_by"],
  ["login_with_password", "secret_name", "priceList", "swift_version"],
  ["error_rate", "rate_limit", "sample_rate", "salary_band", "pin_attempts"],
  ["token_expires_at", "cookieBanner", "income_statement", "loss_function"],
  ["ip", "url", "path", "version", "", "_", "123"],
].flat();

describe("a key that names money, an account or a credential", () => {
  test.each(SENSITIVE)("%s is sensitive", (key) => {
    expect(isSensitiveKey(key)).toBe(true);
  });
});

describe("a key that names an amount only with a number", () => {
  test.each([
    ["total", "sum", "due", "paid", "budget", "amount_id", "amountIds"],
    ["net", "gross", "dues", "premium", "payable", "outstanding"],
    ["salary_id", "total_id", "balance-id", "total_amount_ids", "cents_id"],
    ["totalamount_id"],
  ].flat())("%s is an amount", (key) => {
    expect(classifyKey(key)).toBe("amount");
  });

  test.each([
    "payment_id",
    "card_ids",
    "price_id",
    "invoice_id",
    "total_count",
  ])(
    "%s is plain",
    (key) => {
      expect(classifyKey(key)).toBe("plain");
    },
  );
});

describe("a key that names something else", () => {
  test.each(FINE)("%s is not sensitive", (key) => {
    expect(isSensitiveKey(key)).toBe(false);
  });
});

describe("a key", () => {
  test("is no longer sensitive with _id, _ids or _count at its end, in any spelling", () => {
    fc.assert(fc.property(
      fc.constantFrom("amount", "price", "password", "iban", "apiKey", "card"),
      fc.constantFrom(
        "_id",
        "_ids",
        "_count",
        "Id",
        "Ids",
        "Count",
        "ID",
        "IDs",
        "-id",
        ".ids",
        " count",
        "_ID",
      ),
      (key, ending) => {
        expect(isSensitiveKey(key)).toBe(true);
        expect(isSensitiveKey(key + ending)).toBe(false);
        expect(isSensitiveKey(`${key}${ending}_amount`)).toBe(true);
      },
    ));
  });

  test("is classified by its head, whatever precedes it and describes it", () => {
    const word = fc.constantFrom("user", "last", "x", "report", "new2");
    const detail = fc.constantFrom("new", "old", "last", "7", "text", "in_x");
    fc.assert(fc.property(
      fc.array(word, { maxLength: 4 }),
      fc.constantFrom("amount", "iban", "password", "salaries", "token"),
      fc.array(detail, { maxLength: 2 }),
      fc.constantFrom("_", "-", " ", ".", "/", "__", ":"),
      (before, sensitive, after, separator) => {
        const key = [...before, sensitive, ...after].join(separator);
        expect(isSensitiveKey(key), key).toBe(true);
        const column = [...before, sensitive, "column"].join(separator);
        expect(isSensitiveKey(column), column).toBe(false);
      },
    ));
  });

  test("of 16,000 characters is classified by its last words", () => {
    for (
      const unit of [
        "a",
        "A",
        "pan",
        "total",
        "aA",
        "a_",
        "accountno",
        "\u200b",
        "s",
      ]
    ) {
      const key = unit.repeat(Math.floor(16_000 / unit.length));
      expect(isSensitiveKey(`${key}_amount`), unit).toBe(true);
      expect(isSensitiveKey(`${key}_amount_id`), unit).toBe(false);
    }
  });
});
