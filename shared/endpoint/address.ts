import * as z from "zod";

/**
 * The header in which the platform's edge states the client's address. It
 * overwrites what a client sends there; X-Forwarded-For it only appends to, so
 * a client could put any address in front.
 */
const TRUSTED_HEADER = "cf-connecting-ip";

const ADDRESS = z.union([z.ipv4(), z.ipv6()]);

/** The address that a request came from, or null when the edge did not say. */
export function readAddress(headers: Headers): string | null {
  return ADDRESS.safeParse(headers.get(TRUSTED_HEADER)).data ?? null;
}
