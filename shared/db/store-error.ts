/**
 * SQLSTATE classes and codes that pass by themselves: connection exceptions,
 * insufficient resources, operator intervention (shutdown, statement timeout),
 * serialization failures, deadlocks, lock timeouts, sessions and transactions that
 * took too long, and a database that only reads, which the platform makes of one
 * whose disk is nearly full (PostgreSQL, appendix A).
 */
const PASSING = /^(08|53|57|58)|^40001$|^40P01$|^55P03$|^25006$|^25P0[34]$/;

/** PostgREST's own codes for a database that it cannot reach or is out of. */
const UNREACHABLE = /^PGRST00[0-3]$/;

/** A SQLSTATE or a code of PostgREST: the REST API knew what it was doing. */
const KNOWN = /^(?:[0-9A-Z]{5}|PGRST\d+)$/;

/** A call into the database that did not answer with results. */
export class StoreError extends Error {
  override name = "StoreError";

  /** Whether the same call can be expected to work later. */
  readonly passing: boolean;

  constructor(
    /** What the REST API said, for our log alone. */
    readonly reason: {
      message: string;
      code?: string;
      details?: string | null;
    },
    /** HTTP status of the REST API's answer, 0 when there was none. */
    readonly status: number,
  ) {
    super(`the database call failed: ${reason.message}`);
    const { code = "" } = reason;
    // Without an answer the code is of a socket, and EPIPE looks like a SQLSTATE.
    this.passing = status === 0 || !KNOWN.test(code) || PASSING.test(code) ||
      UNREACHABLE.test(code) || (status >= 502 && status <= 504);
  }
}
