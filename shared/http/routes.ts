import type { Access } from "./access.ts";
import type { Context } from "./context.ts";

/** One row of a function's route table. */
export type Route = {
  /** GET also answers HEAD. */
  method: "GET" | "POST" | "PUT";
  /**
   * The path below the function: literal segments, and at the end `:` for any one
   * segment or `*` for any number of them. A literal path takes precedence over a
   * pattern, and an earlier pattern over a later one.
   */
  path: string;
  /** The name in the access log. */
  name: string;
  /**
   * Whether a request is admitted beyond the normal limits, because a login waits for
   * the response.
   */
  priority(request: Request): boolean;
  // Methods, so that a table can hold routes with different contexts.
  access(ctx: Context): Context | Promise<Context>;
  handler(ctx: Context): Promise<Response>;
};

/**
 * Declares a route, whose handler takes the context that `access` grants. The name is
 * the literal part of the path by default.
 */
export function route<Admitted extends Context>(
  method: Route["method"],
  path: string,
  access: Access<Admitted>,
  handler: (ctx: Admitted) => Promise<Response>,
  { name = path.replace("/*", ""), priority = () => false }: {
    name?: string;
    priority?: Route["priority"];
  } = {},
): Route {
  const row: Omit<Route, "handler"> = { method, path, name, priority, access };
  return { ...row, handler } as Route;
}

/** A path of the table, with its routes by method. */
type Path = {
  name: string;
  routes: Map<string, Route>;
  /** The value of `Allow`. */
  allow: string;
};

/** A matching path, and the segments that its wildcard matched. */
export type Match = Path & { rest: string[] };

/** Matches paths against routes. */
export class RouteTable {
  readonly #literals = new Map<string, Path>();
  readonly #patterns = new Map<string, Path>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const isPattern = /[:*]$/.test(route.path);
      const paths = isPattern ? this.#patterns : this.#literals;
      const known = paths.get(route.path);
      const byMethod = known?.routes ?? new Map<string, Route>();
      byMethod.set(route.method, route);
      if (route.method === "GET") byMethod.set("HEAD", route);
      const allow = [...byMethod.keys(), "OPTIONS"].join(", ");
      // The first route of a path names it in the access log for other methods.
      const name = known?.name ?? route.name;
      paths.set(route.path, { name, routes: byMethod, allow });
    }
  }

  /** The path that matches these segments, or null. */
  find(segments: string[]): Match | null {
    const literal = this.#literals.get(segments.join("/"));
    if (literal !== undefined) return { ...literal, rest: [] };
    for (const [pattern, path] of this.#patterns) {
      const rest = matchPattern(pattern.split("/"), segments);
      if (rest !== null) return { ...path, rest };
    }
    return null;
  }
}

function matchPattern(pattern: string[], segments: string[]): string[] | null {
  const prefix = pattern.slice(0, -1);
  if (!prefix.every((part, index) => part === segments[index])) return null;
  const rest = segments.slice(prefix.length);
  return pattern.at(-1) === "*" || rest.length === 1 ? rest : null;
}
