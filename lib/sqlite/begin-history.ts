import { epochNow, HISTORY_LEAP, type LastEpoch } from './epoch.js';
import { IdentityMetaKey } from './file-identity.js';
import type { Storage } from './storage.js';

/**
 * From the next opening on, the file has another history. Its fencing tokens are larger than those of an epoch that may
 * have continued elsewhere. Runs inside a transaction.
 *
 * @param now Unix ms
 * @returns the epoch of the new history
 * @internal
 */
export function beginHistory(
  storage: Storage,
  historyId: string,
  last: LastEpoch,
  now: number,
): number {
  const epoch = Math.max(storage.epoch, epochNow(last, now)) + HISTORY_LEAP;
  storage.writeMeta(IdentityMetaKey.HistoryId, historyId);
  storage.writeMeta(IdentityMetaKey.Epoch, String(epoch));
  storage.writeMeta(IdentityMetaKey.EpochAt, String(now));
  storage.writeMeta(IdentityMetaKey.EpochStarts, JSON.stringify([[epoch, storage.revision]]));
  return epoch;
}
