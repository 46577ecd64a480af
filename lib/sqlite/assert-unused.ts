import { FileInUseError } from '../common/errors.js';
import { connect, type Connection } from './native.js';
import { pragmaSql } from './sql/pragmas.js';
import { isBusy, toStorageError } from './sqlite-error.js';

/**
 * Makes sure that nobody has a file open: every connection to a file with a write-ahead log holds a shared lock for
 * as long as it stands, in whichever process or container, and an exclusive one cannot be had beside it.
 *
 * @throws {HC_FILE_IN_USE}
 * @internal
 */
export function assertUnused(path: string): void {
  let probe: Connection | undefined;
  try {
    probe = connect(path, { timeout: 0 });
    probe.exec(pragmaSql.exclusive);
    // The first look takes the lock.
    probe.prepare(pragmaSql.tableCount).get();
  } catch (error) {
    if (!isBusy(error)) throw toStorageError(error);
    throw new FileInUseError(
      path,
      'open in a process that runs',
      'Stop the node first, with all its processes.',
    );
  } finally {
    probe?.close();
  }
}
