/**
 * A reason why evidence could not be checked, in one sentence: the fact, then the
 * remedy. The command prints the message alone.
 *
 * A class of its own keeps the verifier independent of the local stack, so that it
 * can be handed out without it.
 */
export class VerifierError extends Error {
  override name = "VerifierError";
}
