/** Names of the tier that a call gets when it asks for none. */
const STANDARD = ["standard", "default", "auto", "on_demand"];

/**
 * The name under which a service tier's prices are kept: `standard` for the
 * tier that everyone gets, else the name as it is (`batch`, `flex`,
 * `priority`, …), trimmed and in lower case.
 */
export function canonicalServiceTier(name: string): string {
  const tier = name.trim().toLowerCase();
  return STANDARD.includes(tier) ? "standard" : tier;
}
