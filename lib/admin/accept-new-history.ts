import { RoleMismatchError } from '../common/errors.js';
import { ACCEPT_META_KEY, SOURCE_META_KEY } from '../cluster/replica/replica-meta.js';
import { withStoppedNode, type CommandEnvironment } from './stopped-node.js';

/**
 * Lets a replica give up its content, once, for the next primary that it connects to, whatever that primary's history is.
 *
 * @param directory its `sqlitePath`
 * @throws {HC_ROLE_MISMATCH} when the file is not a replica
 * @throws {HC_STORAGE_OPEN | HC_FILE_IN_USE | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER}
 * @internal
 */
export function acceptNewHistory(directory: string, environment: CommandEnvironment = {}): void {
  withStoppedNode(directory, environment, (storage) => {
    if (storage.readMeta(SOURCE_META_KEY) === undefined) {
      throw new RoleMismatchError(
        `${storage.path} holds no replica of a primary.`,
        "Give --path the sqlitePath of a secondary with replica: 'feed'.",
      );
    }
    storage.durableTransaction(() => storage.writeMeta(ACCEPT_META_KEY, '1'));
  });
}
