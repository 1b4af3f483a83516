/**
 * The permissions of a function's worker. The platform isolates a function from the
 * machine; here Deno does, because a function or one of its packages may be hostile.
 */

import { dirname } from "@std/path/dirname.js";

/** The parts of a function that determine its permissions. */
export interface FunctionReach {
  /** Absolute path of the module, whose folder it may read. */
  entrypoint: string;
  /** Its variables; it may connect to the hosts of the URLs in them. */
  env: Record<string, string>;
  /** Further folders that it may read, for its modules. */
  sources: readonly string[];
}

/** A URL in the value of a variable, which may hold several. */
const URLS = /[a-z][a-z0-9+.-]*:\/\/[^\s"'`,|]+/gi;

/** Ports of schemes for which `URL` knows no default. */
const DEFAULT_PORTS: Record<string, string> = {
  "http:": "80",
  "https:": "443",
  "postgres:": "5432",
  "postgresql:": "5432",
};

/**
 * Network access to the hosts of its variables, which are the stack, its database and
 * configured witnesses; reading of its sources; and nothing else: no variable of this
 * process, no file elsewhere, no writing, no program, no library. Deno itself lets it
 * load packages from `node_modules`.
 */
export function permissionsOf(
  { entrypoint, env, sources }: FunctionReach,
): Deno.PermissionOptionsObject {
  return {
    net: [...new Set(Object.values(env).flatMap(findHosts))],
    read: [dirname(entrypoint), ...sources],
    env: false,
    write: false,
    run: false,
    ffi: false,
    sys: false,
    import: false,
  };
}

/** `host:port` of each URL in a text. */
function findHosts(text: string): string[] {
  return (text.match(URLS) ?? []).flatMap((match) => {
    const url = URL.parse(match);
    const port = url?.port || DEFAULT_PORTS[url?.protocol ?? ""];
    return url?.hostname && port ? [`${url.hostname}:${port}`] : [];
  });
}
