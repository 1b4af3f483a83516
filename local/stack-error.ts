/**
 * A reason why the local stack cannot start or continue, told in one sentence
 * to the person at the keyboard. The command line prints the message alone, so
 * it names the action, the value and what was wanted, and holds no secret.
 */
export class StackError extends Error {
  override name = "StackError";
}
