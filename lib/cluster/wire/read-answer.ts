import { PrimaryMismatchError } from '../../common/errors.js';

/**
 * Reads what a primary has sent. It is trusted, but may be nonsense: from another version, or from something else that
 * answers.
 *
 * @param read may throw anything when the answer is nonsense
 * @throws {HC_PRIMARY_MISMATCH}
 * @internal
 */
export function readAnswer<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof PrimaryMismatchError) throw cause;
    throw new PrimaryMismatchError(
      'The primary sent an answer that cannot be read.',
      'Run the same version of nestjs-hypercache on all nodes, and let no proxy change their answers.',
      { cause },
    );
  }
}
