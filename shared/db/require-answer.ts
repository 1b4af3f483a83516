import { StoreError } from "./store-error.ts";

/**
 * Requires an answer to be an object with one of these members. What is not comes
 * from something between us and the database, and says nothing about what was done.
 *
 * @throws {StoreError} when it is not.
 */
export function requireMember(answer: unknown, ...members: string[]): void {
  const isOurs = typeof answer === "object" && answer !== null &&
    members.some((member) => Object.hasOwn(answer, member));
  if (!isOurs) {
    const wanted = members.join(" or ");
    throw new StoreError(
      { message: `the answer is not an object with ${wanted}` },
      0,
    );
  }
}

/** Requires an answer to be a list. @throws {StoreError} when it is not. */
export function requireList(answer: unknown): void {
  if (!Array.isArray(answer)) {
    throw new StoreError({ message: "the answer is not a list" }, 0);
  }
}
