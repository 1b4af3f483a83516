/** Words that name money, accounts, identities or credentials wherever they stand in a key. */
const SENSITIVE = `
  amount amt balance price cost fee salary wage payroll income revenue turnover
  profit loss tax gst gstin vat debit credit payment payout subtotal earning
  expense dividend money cash
  iban swift bic ifsc upi pan aadhaar aadhar ssn card cvv cvc
  pin otp password passwd passphrase passcode pwd secret token credential
  authorization bearer cookie jwt
  usd eur gbp inr jpy chf cny aud cad sgd aed
  dollar euro rupee lakh crore`;

/** Words that do so only together and in this order. */
const SENSITIVE_PAIRS = `
  account+number account+no account+num acct+number acct+no acct+num
  account+details bank+account bank+details routing+number routing+no sort+code
  invoice+total order+total grand+total total+due net+worth net+pay gross+pay
  api+key access+key private+key encryption+key signing+key master+key auth+key
  ssh+key security+code`;

/** Words that say nothing by themselves; they let run-together keys be taken apart. */
const QUALIFIERS = `
  account acct admin annual app approved auth available average avg bank base
  basic billed client closing code credit current customer daily data db default
  due employee encryption final firm gross holder hourly input invoice key last
  list master max min monthly my name net new no num number old opening order
  output paid private refresh remaining root routing sale security selling service
  session signing sort ssh total type unit user value vendor wallet webhook yearly
  access api details grand holder pay worth`;

/** After `token` these make it a unit of text that is counted. */
const COUNTED_TOKEN = "usage limit budget length size total type";

function words(list: string): Set<string> {
  return new Set(list.trim().split(/\s+/));
}

export const SENSITIVE_WORDS: ReadonlySet<string> = words(SENSITIVE);
export const SENSITIVE_WORD_PAIRS: ReadonlySet<string> = words(SENSITIVE_PAIRS);
export const COUNTED_TOKEN_WORDS: ReadonlySet<string> = words(COUNTED_TOKEN);

/** Every word that a run-together key may be made of. */
export const VOCABULARY: ReadonlySet<string> = new Set([
  ...SENSITIVE_WORDS,
  ...words(QUALIFIERS),
]);

export const LONGEST_WORD: number = Math.max(
  ...Array.from(VOCABULARY, (word) => word.length),
);
