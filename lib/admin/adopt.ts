import { RoleMismatchError } from '../common/errors.js';
import type { Position } from '../cluster/wire/position.js';
import { SOURCE_META_KEY } from '../cluster/replica/replica-meta.js';
import { SUPERSEDED_META_KEY } from '../cluster/failover/takeover.js';
import { withFileOf, withStoppedNode, type CommandEnvironment } from './stopped-node.js';

/**
 * Turns the file of a primary, such as a backup of it, into a replica of its own history. A secondary that starts with it asks
 * its primary only for later changes.
 *
 * @param directory its `sqlitePath`
 * @returns the position of the replica
 * @throws {HC_ROLE_MISMATCH} when the file is already a replica
 * @throws {HC_STORAGE_OPEN | HC_FILE_IN_USE | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER}
 * @internal
 */
export function adopt(directory: string, environment: CommandEnvironment = {}): Position {
  // Opening the file may begin a new epoch, in which none of its content was committed.
  const { historyId, epoch } = withFileOf(directory, (storage) => ({
    historyId: storage.historyId,
    epoch: storage.epoch,
  }));
  return withStoppedNode(directory, environment, (storage) => {
    if (storage.readMeta(SOURCE_META_KEY) !== undefined) {
      throw new RoleMismatchError(
        `${storage.path} holds a replica already.`,
        'Start the secondary with it, unchanged.',
      );
    }
    storage.durableTransaction(() => {
      storage.writeMeta(SOURCE_META_KEY, JSON.stringify({ historyId, epoch }));
      storage.removeMeta(SUPERSEDED_META_KEY);
    });
    return { historyId, epoch, revision: storage.revision };
  });
}
