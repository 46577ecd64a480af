import { BackupFailedError } from '../common/errors.js';

/** @internal */
export function nothingToBackUp(): BackupFailedError {
  return new BackupFailedError(
    'This node has no file of its own, or nothing in it yet.',
    "Take the backup on the primary, or on a secondary with replica: 'feed' that has taken its first snapshot.",
  );
}
