/**
 * Evidence that cannot be verified. The command prints only the message: the fact, then
 * the remedy. It is not a StackError, so that the kit does not contain the local stack.
 */
export class VerifierError extends Error {
  override name = "VerifierError";
}
