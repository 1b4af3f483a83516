import type { Caller } from "../db/call-function.ts";
import type { Environment, ResolvedEnvironment } from "../db/environment.ts";
import type { AccessLogFields } from "./access-log.ts";
import type { Permit } from "./admission.ts";

/**
 * The context of one request, passed to every step: fields for the access log, the
 * permit, and work that outlives the response. There is no other state per request.
 */
export class Context {
  /** Fields of the access-log entry. */
  readonly fields: AccessLogFields = {};
  /** Work that the entry and the permit wait for. */
  readonly pending: Promise<unknown>[] = [];

  constructor(
    readonly request: Request,
    readonly url: URL,
    /** Path segments that the wildcard of the route matched. */
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

  /** Logs an error, which the caller does not see. */
  report(error: unknown): void {
    this.fields.error = error;
  }

  /** Keeps the request in progress, and its permit, until `work` settles. */
  keepOpen(work: Promise<unknown>): void {
    this.pending.push(work);
  }
}

/** A request that may use the database. */
export type DatabaseContext = Context & { env: Environment };

/** A request of a verified caller. */
export type CallerContext = DatabaseContext & { caller: Caller };
