import type { Caller } from "../db/call-function.ts";
import type { Environment, ResolvedEnvironment } from "../db/environment.ts";
import type { AccessLogFields } from "./access-log.ts";
import type { Permit } from "./admission.ts";

/**
 * One request on its way through a function, handed from step to step. What a
 * step learns for the access log, takes of the limits or leaves running belongs
 * here; no other state is kept per request.
 */
export class Context {
  /** Fields of the access-log entry so far. */
  readonly fields: AccessLogFields = {};
  /** Work that the entry and the permit wait for. */
  readonly pending: Promise<unknown>[] = [];

  constructor(
    readonly request: Request,
    readonly url: URL,
    /** Parts of the path that the route's pattern leaves open. */
    readonly rest: readonly string[],
    readonly permit: Permit,
    readonly environment: ResolvedEnvironment,
  ) {}

  /** The query of the URL. */
  get query(): URLSearchParams {
    return this.url.searchParams;
  }

  /** Adds fields to the access-log entry; later values replace earlier ones. */
  annotate(fields: AccessLogFields): void {
    Object.assign(this.fields, fields);
  }

  /** Logs an error that the caller is not shown. */
  report(error: unknown): void {
    this.fields.error = error;
  }

  /** Keeps the request in progress after its response began, until `work` settles. */
  keepOpen(work: Promise<unknown>): void {
    this.pending.push(work);
  }
}

/** A request that may use the database. */
export type DatabaseContext = Context & { env: Environment };

/** A request of a verified caller. */
export type CallerContext = DatabaseContext & { caller: Caller };
