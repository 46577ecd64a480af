import { connect, type Connection } from './native.js';
import { metaSql } from './sql/meta.js';
import { pragmaSql } from './sql/pragmas.js';

/** Half of the epochs that fit into a token; a larger number is damage. */
const MAX_EPOCH = 2 ** 40;

/**
 * Reads the epoch of a damaged file as far as it is readable, otherwise 0. The tokens of its replacement must
 * continue from it. The damaged file stays unchanged.
 *
 * @internal
 */
export function salvageEpoch(path: string): number {
  let damaged: Connection | undefined;
  try {
    damaged = connect(path, { readonly: true });
    // Reads what it can, even from a file that is shorter than its header claims.
    damaged.unsafeMode(true);
    damaged.exec(pragmaSql.tolerateDamage);
    const epoch = Number(damaged.prepare(metaSql.read).pluck().get('epoch'));
    return epoch > 0 && epoch < MAX_EPOCH ? Math.floor(epoch) : 0;
  } catch {
    return 0;
  } finally {
    damaged?.close();
  }
}
