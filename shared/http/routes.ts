import type { Access } from "./access.ts";
import type { Context } from "./context.ts";

/** One row of a function's route table. */
export type Route = {
  /** GET also answers HEAD. */
  method: "GET" | "POST" | "PUT";
  /**
   * The path below the function: literal parts, and at the end `:` for any one
   * part or `*` for any number of them. A literal path wins over a pattern, and of
   * patterns the first that matches.
   */
  path: string;
  /** Its name in the access log. */
  name: string;
  /** Admitted beyond the normal limits, because a login waits for it. */
  priority: boolean;
  // Methods, so that a table can hold routes with different contexts.
  access(ctx: Context): Context | Promise<Context>;
  handler(ctx: Context): Promise<Response>;
};

/**
 * A row of a route table, whose handler takes the context that its access grants.
 * By default it is named by the literal part of its path.
 */
export function route<Admitted extends Context>(
  method: Route["method"],
  path: string,
  access: Access<Admitted>,
  handler: (ctx: Admitted) => Promise<Response>,
  { name = path.replace("/*", ""), priority = false }: {
    name?: string;
    priority?: boolean;
  } = {},
): Route {
  const row: Omit<Route, "handler"> = { method, path, name, priority, access };
  return { ...row, handler } as Route;
}

/** A path of the table with its routes by method. */
type Path = {
  name: string;
  routes: Map<string, Route>;
  /** The value of `Allow`. */
  allow: string;
};

/** A path that a request names, and the parts that its pattern leaves open. */
export type Match = Path & { rest: string[] };

/** Finds the path of a request in a route table. */
export class RouteTable {
  readonly #literals = new Map<string, Path>();
  readonly #patterns = new Map<string, Path>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const isPattern = /[:*]$/.test(route.path);
      const paths = isPattern ? this.#patterns : this.#literals;
      const known = paths.get(route.path);
      const own = known?.routes ?? new Map<string, Route>();
      own.set(route.method, route);
      if (route.method === "GET") own.set("HEAD", route);
      const allow = [...own.keys(), "OPTIONS"].join(", ");
      // The first route of a path names it for methods that it does not have.
      const name = known?.name ?? route.name;
      paths.set(route.path, { name, routes: own, allow });
    }
  }

  /** The path with these parts, or null. */
  find(parts: string[]): Match | null {
    const literal = this.#literals.get(parts.join("/"));
    if (literal !== undefined) return { ...literal, rest: [] };
    for (const [pattern, path] of this.#patterns) {
      const rest = matchPattern(pattern.split("/"), parts);
      if (rest !== null) return { ...path, rest };
    }
    return null;
  }
}

function matchPattern(pattern: string[], parts: string[]): string[] | null {
  const prefix = pattern.slice(0, -1);
  if (!prefix.every((part, index) => part === parts[index])) return null;
  const rest = parts.slice(prefix.length);
  return pattern.at(-1) === "*" || rest.length === 1 ? rest : null;
}
