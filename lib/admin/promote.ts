import { systemClock } from '../common/clock.js';
import { systemRandom } from '../common/random.js';
import { RoleMismatchError } from '../common/errors.js';
import {
  ANCESTORS_META_KEY,
  formatAncestors,
  parseAncestors,
  type Ancestor,
} from '../cluster/failover/ancestry.js';
import type { Position } from '../cluster/wire/position.js';
import {
  ACCEPT_META_KEY,
  INCOMPLETE_META_KEY,
  PRIMARY_META_KEY,
  SOURCE_META_KEY,
  type SourceMeta,
  type PrimaryAddress,
} from '../cluster/replica/replica-meta.js';
import { FORMER_META_KEY } from '../cluster/failover/takeover.js';
import { countWaiting } from '../sqlite/count-waiting.js';
import { withoutCredentials } from './inspect.js';
import { beginHistory } from '../sqlite/begin-history.js';
import { withStoppedNode, type CommandEnvironment } from './stopped-node.js';

/** @internal */
export interface Promotion {
  /** The position at which the new history begins. */
  readonly position: Position;
  /** The position at which the former history ended, as far as this node knows. */
  readonly former: Position;
  /** The last known address of the former primary. The node notifies it at its start. */
  readonly formerUrl: string | undefined;
  /** False when the content of some changes had not arrived. The other replicas then take a snapshot. */
  readonly isComplete: boolean;
  /** The writes that wait in this node's outbox. The node executes them itself when it starts. */
  readonly waiting: number;
}

/**
 * Turns the file of a secondary into that of a primary, with all its data. The new history continues the one that the secondary
 * followed.
 *
 * @param directory its `sqlitePath`
 * @throws {HC_ROLE_MISMATCH} when the file is not a replica
 * @throws {HC_STORAGE_OPEN | HC_FILE_IN_USE | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER}
 * @internal
 */
export function promote(directory: string, environment: CommandEnvironment = {}): Promotion {
  const { clock = systemClock, random = systemRandom } = environment;
  return withStoppedNode(directory, environment, (storage) => {
    const source = storage.readMeta(SOURCE_META_KEY);
    if (source === undefined) {
      throw new RoleMismatchError(
        `${storage.path} holds no replica of a primary.`,
        "Give --path the sqlitePath of a secondary with replica: 'feed'. A primary needs no promotion.",
      );
    }
    const { historyId: formerId, epoch: formerEpoch, at } = JSON.parse(source) as SourceMeta;
    const { revision } = storage;
    const isComplete = storage.readMeta(INCOMPLETE_META_KEY) === undefined;
    // No replica is past the end. Where content is missing here, no replica can continue from here.
    const from = isComplete ? storage.changes.oldest() : revision + 1;
    const former = { historyId: formerId, epoch: formerEpoch, revision };
    const ancestors: Ancestor[] = parseAncestors(storage.readMeta(ANCESTORS_META_KEY)).map(
      (ancestor) => ({ ...ancestor, from: Math.max(ancestor.from, from) }),
    );
    ancestors.push({ ...former, from });
    const primary = storage.readMeta(PRIMARY_META_KEY);
    const historyId = random.hex(16);
    let epoch = 0;
    storage.durableTransaction(() => {
      epoch = beginHistory(storage, historyId, { epoch: formerEpoch, at }, clock.now());
      storage.writeMeta(ANCESTORS_META_KEY, formatAncestors(ancestors));
      if (primary !== undefined) storage.writeMeta(FORMER_META_KEY, primary);
      for (const note of [
        SOURCE_META_KEY,
        PRIMARY_META_KEY,
        INCOMPLETE_META_KEY,
        ACCEPT_META_KEY,
      ]) {
        storage.removeMeta(note);
      }
    });
    return {
      position: { historyId, epoch, revision },
      former,
      formerUrl:
        primary === undefined
          ? undefined
          : withoutCredentials(JSON.parse(primary) as PrimaryAddress),
      isComplete,
      waiting: countWaiting(directory),
    };
  });
}
