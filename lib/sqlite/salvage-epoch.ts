import { connect, type Connection } from './native.js';
import { metaSql } from './sql/meta.js';
import { pragmaSql } from './sql/pragmas.js';

/** Half of the epochs that fit into a token: what lies beyond is damage. */
const MAX_EPOCH = 2 ** 40;

/**
 * The epoch of a damaged file, as far as it can still be read, otherwise 0: in the file that replaces it tokens
 * must go on from there. The file stays as it is.
 *
 * @internal
 */
export function salvageEpoch(path: string): number {
  let damaged: Connection | undefined;
  try {
    damaged = connect(path, { readonly: true });
    // Reads what it can, even of a file that is shorter than its header says.
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
