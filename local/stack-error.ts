/**
 * An error for the person who runs a command. The command prints only the message: one
 * sentence with the action, the value and the remedy, without secrets.
 */
export class StackError extends Error {
  override name = "StackError";
}
