import { PrimaryMismatchError } from '../../common/errors.js';

/**
 * Reads what a primary has sent, which is believed but may be nonsense: of another version, or of whatever else answers.
 *
 * @param read throws whatever it does at nonsense
 * @throws {HC_PRIMARY_MISMATCH}
 * @internal
 */
export function readAnswer<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof PrimaryMismatchError) throw cause;
    throw new PrimaryMismatchError(
      'The primary sent what cannot be read.',
      'Run the same version of nestjs-hypercache on all nodes, and let no proxy change what they send.',
      { cause },
    );
  }
}
