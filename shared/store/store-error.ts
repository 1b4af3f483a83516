/**
 * SQLSTATE classes and codes that pass by themselves: connection exceptions,
 * insufficient resources, operator intervention (shutdown, statement timeout),
 * serialization failures, deadlocks and lock timeouts (PostgreSQL, appendix A).
 */
const PASSING = /^(08|53|57|58)|^40001$|^40P01$|^55P03$/;

/** PostgREST's own codes for a database it cannot reach or is out of. */
const UNREACHABLE = /^PGRST00[0-3]$/;

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
    this.passing = PASSING.test(code) || UNREACHABLE.test(code) ||
      // Without a code the answer is not from Postgres: nothing is known.
      code === "" || status === 0 || status === 502 || status === 503 ||
      status === 504;
  }
}
