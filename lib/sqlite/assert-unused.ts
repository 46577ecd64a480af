import { FileInUseError } from '../common/errors.js';
import { connect, type Connection } from './native.js';
import { pragmaSql } from './sql/pragmas.js';
import { isBusy, toStorageError } from './sqlite-error.js';

/**
 * Makes sure that no process has a file open. Every connection to a file with a write-ahead log holds a shared lock
 * until it closes, in any process or container. While one exists, an exclusive lock cannot be taken.
 *
 * @throws {HC_FILE_IN_USE}
 * @internal
 */
export function assertUnused(path: string): void {
  let probe: Connection | undefined;
  try {
    probe = connect(path, { timeout: 0 });
    probe.exec(pragmaSql.exclusive);
    // The first read takes the lock.
    probe.prepare(pragmaSql.tableCount).get();
  } catch (error) {
    if (!isBusy(error)) throw toStorageError(error);
    throw new FileInUseError(
      path,
      'open in a running process',
      'Stop the node first, with all its processes.',
    );
  } finally {
    probe?.close();
  }
}
